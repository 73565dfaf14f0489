//! The ids of a portfolio's trades.

/// Ids by the places of their trades, in few bytes.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    text: String,
    /// Where each ends.
    ends: Vec<u32>,
}

impl Ids {
    /// Adds the id of the trade at the next place.
    ///
    /// # Panics
    /// If all ids together have 2³² bytes: a portfolio that is read has fewer.
    pub fn push(&mut self, id: &str) {
        self.text.push_str(id);
        let end = u32::try_from(self.text.len()).expect("ids are shorter than their file");
        self.ends.push(end);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The id at this place.
    ///
    /// # Panics
    /// If there is none.
    pub fn get(&self, place: u32) -> &str {
        let place = place as usize;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[place] as usize]
    }

    /// The places in the order of their ids (by bytes), which is that of all results; `None` if two places
    /// have one id.
    ///
    /// ```
    /// use mastr::portfolio::Ids;
    ///
    /// let mut ids = Ids::default();
    /// ["b", "", "a"].into_iter().for_each(|id| ids.push(id));
    /// assert_eq!(ids.order(), Some(vec![1, 2, 0]));
    /// ids.push("b");
    /// assert_eq!(ids.order(), None);
    /// ```
    pub fn order(&self) -> Option<Vec<u32>> {
        let mut order: Vec<u32> = (0..self.ends.len() as u32).collect();
        order.sort_unstable_by_key(|&place| self.get(place));
        let mut pairs = order.windows(2);
        let differ = pairs.all(|pair| self.get(pair[0]) != self.get(pair[1]));
        differ.then_some(order)
    }
}
