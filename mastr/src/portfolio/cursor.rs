//! Where in a document a reader stands.

use std::borrow::Cow;

use crate::fault::Faults;

/// Where in a document the reading stands, and the faults found so far.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    path: Vec<Step>,
    /// The first ones, as many as are shown.
    faults: Vec<Found>,
    /// How many came after them.
    more: u64,
}

/// A fault and the JSON pointer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) pointer: String,
    pub(super) message: String,
}

#[derive(Debug)]
enum Step {
    Key(Cow<'static, str>),
    Index(usize),
}

impl Cursor {
    /// A cursor at element `index` of the array `array`.
    pub(super) fn at_element(array: &'static str, index: usize) -> Self {
        Self {
            path: vec![Step::Key(Cow::Borrowed(array)), Step::Index(index)],
            ..Self::default()
        }
    }

    /// Adds a fault at this place.
    pub(super) fn fault(&mut self, message: impl Into<String>) {
        if self.faults.len() == Faults::SHOWN {
            self.more += 1;
            return;
        }
        let pointer = self.pointer();
        self.faults.push(Found {
            pointer,
            message: message.into(),
        });
    }

    /// Adds a fault at the field `key` of the object at this place.
    pub(super) fn fault_in(&mut self, key: &str, message: impl Into<String>) {
        self.named_field(key, |at| at.fault(message));
    }

    /// Reads with the cursor moved to the field `key`.
    pub(super) fn field<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.within(Step::Key(Cow::Borrowed(key)), read)
    }

    /// Reads with the cursor moved to the field `key`, a name that the input chose.
    pub(super) fn named_field<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.within(Step::Key(Cow::Owned(key.to_owned())), read)
    }

    /// Reads with the cursor moved to element `index`.
    pub(super) fn element<T>(&mut self, index: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        self.within(Step::Index(index), read)
    }

    /// Whether anything has been found.
    pub(super) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// What was found first, in the order of reading, and how many faults came after that.
    pub(super) fn into_faults(self) -> (Vec<Found>, u64) {
        (self.faults, self.more)
    }

    fn within<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let result = read(self);
        self.path.pop();
        result
    }

    /// The JSON pointer of this place.
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.path {
            pointer.push('/');
            match step {
                Step::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Step::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }
}
