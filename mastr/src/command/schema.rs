//! `mastr schema`.

use super::{ALL_VALUED, CommandError, output};
use crate::portfolio;

pub(super) fn run() -> Result<u8, CommandError> {
    let schema = format!("{:#}\n", portfolio::schema());
    output::print(schema.as_bytes())?;
    Ok(ALL_VALUED)
}
