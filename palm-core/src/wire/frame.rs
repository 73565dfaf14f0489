use super::header::Lengths;
use super::{
    Extras, HEADER_LENGTH, Header, Kind, MAX_FRAME, MAX_PAYLOAD, OWN_FRAME, RECORD_LENGTH, Record,
    Runs,
};
use crate::{Error, ErrorKind, Frames, Result, Route, codec};
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::borrow::Cow;

/// A frame as it was received: checked as a whole, so that what it holds can be obeyed message by
/// message.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its fixed part.
    pub header: Header,
    records: Bytes,
    body: Bytes,
    large: Option<Bytes>,
}

/// The body of a frame of messages: what its records refer to. Empty, and then absent, in most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// Routes and the numbers that records of this lane call them by, from now on.
    pub routes: Vec<(u32, Route)>,
    /// The extras of those records that have some, by their index in the frame.
    pub extras: Runs,
    /// What functions of the sender, a worker, have said of how far they are.
    pub progress: Vec<Progress>,
}

/// How far a function is with a message, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The token of the message.
    pub token: u64,
    /// Which attempt at it is under way.
    pub attempt: u32,
    /// What the function said last.
    pub text: String,
}

impl Notes {
    fn is_empty(&self) -> bool {
        self.routes.is_empty() && self.extras.is_empty() && self.progress.is_empty()
    }
}

impl Frame {
    /// Reads a frame and checks all of it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] if anything in it is not as the wire says; nothing of such a frame is
    /// to be obeyed.
    pub fn read(frames: Frames) -> Result<Frame> {
        let Frames {
            first,
            second,
            excess,
        } = frames;
        let (header, lengths) = Header::read(&first)?;
        let parts = 1 + usize::from(second.is_some()) + excess;
        let announced = 1 + usize::from(header.large);
        if parts != announced {
            let plural = if parts == 1 { "" } else { "s" };
            return Err(Error::new(
                ErrorKind::Decode,
                format!("a frame has {parts} part{plural} where its header announces {announced}"),
            ));
        }
        let start = HEADER_LENGTH;
        let middle = start + lengths.records as usize;
        let records = &first[start..middle];
        check_records(&header, records, second.as_ref())?;
        Ok(Frame {
            records: first.slice(start..middle),
            body: first.slice(middle..middle + lengths.body as usize),
            large: second,
            header,
        })
    }

    /// Its messages in order, each with its payload.
    pub fn records(&self) -> Records<'_> {
        Records { frame: self, at: 0 }
    }

    /// The notes of a frame of messages.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] if the body is none.
    pub fn notes(&self) -> Result<Notes> {
        if self.body.is_empty() {
            return Ok(Notes::default());
        }
        codec::decode(&self.body)
    }

    /// The body of any other frame.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] if it is no `T`.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T> {
        codec::decode(&self.body)
    }

    /// The bytes that its messages hold on to, as long as one of their payloads lives.
    pub fn size(&self) -> usize {
        self.records.len() + self.large.as_ref().map_or(0, Bytes::len)
    }
}

/// Walks over the records once, so that reading them again can't fail.
fn check_records(header: &Header, records: &[u8], large: Option<&Bytes>) -> Result<()> {
    let mut at = 0;
    for index in 1..=header.count {
        let rest = records.get(at..).filter(|rest| rest.len() >= RECORD_LENGTH);
        let Some(rest) = rest else {
            let (count, length) = (header.count, records.len());
            return Err(Error::new(
                ErrorKind::Decode,
                format!(
                    "message {index} of {count} in a frame begins at byte {at} of {length} and does not fit"
                ),
            ));
        };
        let record = Record::read(rest)?;
        at += RECORD_LENGTH;
        match large {
            None => at += record.length as usize,
            Some(payload) if payload.len() == record.length as usize => {}
            Some(payload) => {
                return Err(Error::new(
                    ErrorKind::Decode,
                    format!(
                        "a payload of {} bytes stands where {} were announced",
                        payload.len(),
                        record.length
                    ),
                ));
            }
        }
    }
    if at != records.len() {
        return Err(Error::new(
            ErrorKind::Decode,
            format!("a frame's messages take {at} bytes of {}", records.len()),
        ));
    }
    Ok(())
}

/// The messages of a [`Frame`]; made by [`Frame::records`].
#[derive(Debug)]
pub struct Records<'a> {
    frame: &'a Frame,
    at: usize,
}

impl Iterator for Records<'_> {
    type Item = (Record, Bytes);

    fn next(&mut self) -> Option<(Record, Bytes)> {
        let records = &self.frame.records;
        if self.at >= records.len() {
            return None;
        }
        // `Frame::read` has checked every record.
        let record = Record::read(&records[self.at..]).ok()?;
        let start = self.at + RECORD_LENGTH;
        match &self.frame.large {
            Some(payload) => {
                self.at = start;
                Some((record, payload.clone()))
            }
            None => {
                self.at = start + record.length as usize;
                Some((record, records.slice(start..self.at)))
            }
        }
    }
}

/// The bytes that are set aside for notes: what most frames with notes need, so that all that was
/// written does not have to move for their sake.
const NOTES: usize = 256;

/// Puts messages into a frame, one after another, in one buffer.
///
/// ```
/// use palm_core::wire::{Frame, FrameWriter, Header, Kind, Outcome, Record};
/// use palm_core::Incarnation;
///
/// let me = Incarnation::random();
/// let mut writer = FrameWriter::new(1 << 16);
/// let record = Record { sequence: 1, token: 0, route: 0, stage: 0, outcome: Outcome::Pending,
///     extras: false, attempt: 0, length: 5 };
/// writer.push(&record, &"hello".into());
/// let frames = writer.finish(Header::new(Kind::Messages, me, Incarnation::UNKNOWN)).unwrap();
///
/// let frame = Frame::read(frames).unwrap();
/// assert_eq!(frame.records().next().unwrap(), (record, b"hello"[..].into()));
/// ```
#[derive(Debug)]
pub struct FrameWriter {
    buffer: Vec<u8>,
    notes: Notes,
    count: u32,
    large: Option<Bytes>,
    capacity: usize,
}

impl FrameWriter {
    /// A writer for a frame of at most `capacity` bytes, header included, which it takes at once;
    /// a first message may be larger.
    pub fn new(capacity: usize) -> FrameWriter {
        FrameWriter {
            buffer: Vec::new(),
            notes: Notes::default(),
            count: 0,
            large: None,
            capacity,
        }
    }

    /// Whether a message of `length` payload bytes still belongs into this frame. The first one
    /// always does; a large one only alone.
    pub fn has_room(&self, length: usize) -> bool {
        if self.count == 0 {
            return true;
        }
        let alone = length >= OWN_FRAME || self.large.is_some();
        let after = self.buffer.len() + RECORD_LENGTH + length;
        !alone && after <= self.capacity.min(MAX_FRAME) && self.count < super::MAX_MESSAGES
    }

    /// Appends a message whose `length` is the payload's. Ask [`has_room`](Self::has_room) first.
    pub fn push(&mut self, record: &Record, payload: &Bytes) {
        debug_assert_eq!(record.length as usize, payload.len());
        if self.buffer.is_empty() {
            let first = HEADER_LENGTH + RECORD_LENGTH;
            let messages = match record.is_large() {
                true => first,
                false => (first + payload.len()).max(self.capacity.min(MAX_FRAME)),
            };
            self.buffer.reserve(messages + NOTES);
            self.buffer.resize(HEADER_LENGTH, 0);
        }
        record.write(&mut self.buffer);
        self.count += 1;
        match record.is_large() {
            // Shared with its owner, who keeps it until it is settled; the socket copies it once.
            true => self.large = Some(payload.clone()),
            false => self.buffer.extend_from_slice(payload),
        }
    }

    /// Says from this frame on what `number` means on this lane.
    pub fn define(&mut self, number: u32, route: &Route) {
        self.notes.routes.push((number, route.clone()));
    }

    /// Gives extras to the message that is pushed next.
    pub fn extras(&mut self, extras: Cow<'_, Extras>) {
        self.notes.extras.push(self.count, extras);
    }

    /// Gives the message that is pushed next the extras of the last one; gives back whether that is
    /// possible.
    pub fn same_extras(&mut self) -> bool {
        self.notes.extras.repeat(self.count)
    }

    /// Says how far functions are.
    pub fn progress(&mut self, progress: Vec<Progress>) {
        self.notes.progress = progress;
    }

    /// How many messages there are so far.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The frame, ready to be sent: `header` with the count and the lengths put right.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] if the notes can't be encoded or a length goes beyond the wire's
    /// limits.
    pub fn finish(mut self, mut header: Header) -> Result<Frames> {
        header.count = self.count;
        header.large = self.large.is_some();
        if self.buffer.is_empty() {
            self.buffer.resize(HEADER_LENGTH, 0);
        }
        let records = self.buffer.len() - HEADER_LENGTH;
        if !self.notes.is_empty() {
            codec::encode_into(&mut self.buffer, &self.notes)?;
        }
        let body = self.buffer.len() - HEADER_LENGTH - records;
        check_length(self.large.as_ref().map_or(0, Bytes::len), MAX_PAYLOAD)?;
        seal(&header, records, body, &mut self.buffer)?;
        Ok(Frames {
            first: self.buffer.into(),
            second: self.large,
            excess: 0,
        })
    }
}

/// A frame without messages whose body is `body`.
///
/// # Errors
///
/// [`ErrorKind::TooLarge`] if the body can't be encoded, or fits no frame.
pub fn control<T: Serialize + ?Sized>(header: Header, body: &T) -> Result<Frames> {
    debug_assert_ne!(header.kind, Kind::Messages);
    let mut buffer = vec![0; HEADER_LENGTH];
    codec::encode_into(&mut buffer, body)?;
    let length = buffer.len() - HEADER_LENGTH;
    seal(&header, 0, length, &mut buffer)?;
    Ok(Frames::one(buffer))
}

fn seal(header: &Header, records: usize, body: usize, buffer: &mut [u8]) -> Result<()> {
    check_length(buffer.len(), MAX_FRAME)?;
    // Both are less than `MAX_FRAME`.
    let lengths = Lengths {
        records: records as u32,
        body: body as u32,
    };
    header.write(lengths, &mut buffer[..HEADER_LENGTH]);
    Ok(())
}

fn check_length(length: usize, most: usize) -> Result<()> {
    match length <= most {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::TooLarge,
            format!("{length} bytes do not fit a part of a frame, which takes {most}"),
        )),
    }
}
