use bytes::Bytes;

/// The parts of one zmq message as PALM uses them: one, or two where a large payload travels on
/// its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    /// The first part.
    pub first: Bytes,
    /// The second, if there is one.
    pub second: Option<Bytes>,
    /// How many parts came after it. They were dropped: no sender of PALM makes them.
    pub excess: usize,
}

impl Frames {
    /// A message of one part.
    pub fn one(first: impl Into<Bytes>) -> Frames {
        Frames {
            first: first.into(),
            ..Frames::default()
        }
    }

    /// The bytes of both parts.
    pub fn size(&self) -> usize {
        self.first.len() + self.second.as_ref().map_or(0, Bytes::len)
    }
}

/// What libzmq reads from a connection at a time. A part that came with others in one such read
/// shares its memory with them.
const READ: usize = 8192;

/// The bytes of a received part, copied only if they would hold on to more memory than they have.
pub(super) fn shared(part: zmq::Message) -> Bytes {
    struct Part(zmq::Message);
    impl AsRef<[u8]> for Part {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    match part.len() < READ {
        true => Bytes::copy_from_slice(&part),
        false => Bytes::from_owner(Part(part)),
    }
}
