//! The table that answers a query.

use std::io;

use serde::{Deserialize, Serialize};

use crate::aggregation::{Completeness, Measure};
use crate::results::Shortest;

/// Figures for each group of trades, sorted by the group's key, with how complete they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// The market by which the trades were valued; `None` if nothing was submitted.
    pub market: Option<String>,
    /// The dimensions of the groups.
    pub by: Vec<String>,
    /// The measures, in the order of each group's values.
    pub measures: Vec<Measure>,
    /// The groups. Without dimensions there is exactly one.
    pub groups: Vec<Group>,
    /// All trades together; its pending ones include the unseen.
    pub total: Group,
    /// Trades that were submitted, but of which nothing has arrived that tells their group: the
    /// groups' counts and these add up to the total's.
    pub unseen: u64,
    /// How many contributions contradicted an earlier one.
    pub alarms: u64,
}

/// The figures of a group of trades.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The value of each dimension; absent is empty.
    pub key: Vec<String>,
    /// The value of each measure over what is valued.
    pub values: Vec<f64>,
    /// How many of the group's trades the values hold.
    pub completeness: Completeness,
}

impl Aggregate {
    /// Writes `aggregate.csv`: one column for each dimension, then
    /// `Measure,Value,Valued,Failed,Pending`; a line for each group and measure, without totals.
    /// Values have the shortest digits that read back to the same double.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn write_csv(&self, output: impl io::Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(output);
        let columns = ["Measure", "Value", "Valued", "Failed", "Pending"];
        csv.write_record(self.by.iter().map(String::as_str).chain(columns))?;
        for group in &self.groups {
            let Completeness {
                valued,
                failed,
                pending,
            } = group.completeness;
            for (measure, value) in self.measures.iter().zip(&group.values) {
                for value in &group.key {
                    csv.write_field(value)?;
                }
                csv.write_field(measure.to_string())?;
                csv.write_field(Shortest(*value).to_string())?;
                csv.write_field(valued.to_string())?;
                csv.write_field(failed.to_string())?;
                csv.write_field(pending.to_string())?;
                csv.write_record(None::<&[u8]>)?;
            }
        }
        csv.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregation::Amount;

    fn group(key: &[&str], values: &[f64], valued: u64, failed: u64, pending: u64) -> Group {
        Group {
            key: key.iter().map(|&value| value.to_owned()).collect(),
            values: values.to_vec(),
            completeness: Completeness {
                valued,
                failed,
                pending,
            },
        }
    }

    #[test]
    fn the_file_reads_back_to_the_same_values() {
        let values = [0.1 + 0.2, -1.0 / 3.0, 1e17, 1.0 / (1_u64 << 40) as f64, 0.0];
        let aggregate = Aggregate {
            market: None,
            by: vec!["Desk".into(), "Counter,Party".into()],
            measures: vec![Measure::Sum(Amount::Npv), Measure::Count],
            groups: values
                .iter()
                .map(|&value| group(&["EQ", "a \"b\",\nc"], &[value, 3.0], 3, 1, 2))
                .chain([group(&["", ""], &[12.5, 1.0], 1, 0, 0)])
                .collect(),
            total: group(&[], &[0.0, 0.0], 0, 0, 0),
            unseen: 0,
            alarms: 0,
        };
        let mut file = Vec::new();
        aggregate.write_csv(&mut file).unwrap();
        let text = String::from_utf8(file).unwrap();
        assert!(
            text.starts_with(
                "Desk,\"Counter,Party\",Measure,Value,Valued,Failed,Pending\n\
                 EQ,\"a \"\"b\"\",\nc\",npv,0.30000000000000004,3,1,2\n\
                 EQ,\"a \"\"b\"\",\nc\",count,3,3,1,2\n"
            ),
            "{text}"
        );
        assert!(
            text.ends_with(",,npv,12.5,1,0,0\n,,count,1,1,0,0\n"),
            "{text}"
        );
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let read: Vec<f64> = reader
            .records()
            .map(Result::unwrap)
            .filter(|record| &record[2] == "npv")
            .map(|record| record[3].parse().unwrap())
            .collect();
        assert_eq!(read[..5], values);
    }
}
