//! The price of memory pages, over the whole call stack.

use crate::params::StylusParams;

/// What `ArbWasm.pageRamp` gives: roughly the growth of the exponential term per page, as a fraction of 2^32.
pub const PAGE_RAMP: u64 = 620_674_314;
/// Pages from which the exponential term is out of reach.
const MAX_PRICED_PAGES: u16 = 128;

/// Pages that the transaction's programs hold now, and the most they ever held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    pub open: u16,
    pub ever: u16,
}

impl Pages {
    /// Gas for opening more pages: linear in what is past the free ones, and exponential in a new maximum.
    pub fn price(self, added: u16, params: &StylusParams) -> u64 {
        let open = self.open.saturating_add(added);
        let ever = self.ever.max(open);
        if ever <= params.free_pages {
            return 0;
        }
        let paid = |pages: u16| u64::from(pages.saturating_sub(params.free_pages));
        let linear = paid(open).saturating_sub(paid(self.open)) * u64::from(params.page_gas);
        linear.saturating_add(exponential(ever).saturating_sub(exponential(self.ever)))
    }

    pub fn add(&mut self, added: u16) {
        self.open = self.open.saturating_add(added);
        self.ever = self.ever.max(self.open);
    }
}

/// The exponential term at so many pages: 1 at none, and 32 million gas less the linear term at the last.
fn exponential(pages: u16) -> u64 {
    // A hair below 31 874 000, so that rounding down gives Nitro's table throughout.
    const AT_THE_LIMIT: f64 = 31_873_999.99;
    if pages > MAX_PRICED_PAGES {
        return u64::MAX;
    }
    AT_THE_LIMIT.powf(f64::from(pages) / f64::from(MAX_PRICED_PAGES)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_prices_eight_megabytes_at_32_million_gas() {
        let known = [
            (0, 1),
            (5, 1),
            (6, 2),
            (9, 3),
            (18, 11),
            (64, 5_645),
            (100, 727_880),
            (128, 31_873_999),
        ];
        for (pages, gas) in known {
            assert_eq!(exponential(pages), gas, "{pages} pages");
        }
        assert_eq!(exponential(129), u64::MAX);
    }

    #[test]
    fn two_pages_are_free_then_a_thousand_gas_each() {
        let params = StylusParams::default();
        let mut pages = Pages::default();
        assert_eq!(pages.price(2, &params), 0);
        pages.add(2);
        assert_eq!(pages.price(1, &params), 1_000);
        pages.add(3);
        pages.open = 2;
        // Reopening what was open before pays the linear part only.
        assert_eq!(pages.price(3, &params), 3_000);
        assert_eq!(pages.price(4, &params), 4_001);
        assert_eq!(pages.price(200, &params), u64::MAX);
    }
}
