//! A reservation that is released when it is dropped.
use super::MemoryBudget;

/// A number of bytes reserved in a [`MemoryBudget`], released on drop.
#[derive(Debug)]
pub struct Reservation {
    budget: MemoryBudget,
    bytes: usize,
}

impl Reservation {
    /// Returns a reservation of no bytes.
    #[must_use]
    pub fn empty(budget: &MemoryBudget) -> Self {
        Reservation { budget: budget.clone(), bytes: 0 }
    }

    /// Returns a reservation of `bytes` that are in use already.
    #[must_use]
    pub fn of(budget: &MemoryBudget, bytes: usize) -> Self {
        budget.reserve(bytes);
        Reservation { budget: budget.clone(), bytes }
    }

    /// Returns the budget.
    #[must_use]
    pub fn budget(&self) -> &MemoryBudget {
        &self.budget
    }

    /// Reserves further `bytes` if they are within the limit. Returns whether they are.
    #[must_use]
    pub fn try_grow(&mut self, bytes: usize) -> bool {
        let fits = self.budget.try_reserve(bytes);
        if fits {
            self.bytes += bytes;
        }
        fits
    }

    /// Releases all but `bytes` of it.
    pub fn shrink_to(&mut self, bytes: usize) {
        self.budget.release(self.bytes.saturating_sub(bytes));
        self.bytes = self.bytes.min(bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.release(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_what_it_holds() {
        let budget = MemoryBudget::of_reservations(100);
        let mut reservation = Reservation::empty(&budget);
        assert!(reservation.try_grow(60) && !reservation.try_grow(60));
        reservation.shrink_to(40);
        reservation.shrink_to(50);
        let other = Reservation::of(&budget, 30);
        assert_eq!(budget.used(), 70);
        drop((reservation, other));
        assert_eq!(budget.used(), 0);
    }
}
