//! The guide's code: the pages' as the rest of the documentation is tested, the board's as crates of their own would be.
//!
//! `.ci/book.py` sees that listings are what is in the files, and that links lead somewhere; it follows the page on the board.
#![forbid(unsafe_code)]

/// The pages.
macro_rules! pages {
    ($($name:ident $file:literal)*) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!($file)]
            mod $name {}
        )*
    };
}

pages! {
    introduction "src/introduction.md"
    life "src/life.md"
    clients "src/clients.md"
    testing "src/testing.md"
    inspector "src/inspector.md"
    persistence "src/persistence.md"
    limits "src/limits.md"
    deploying "src/deploying.md"
    embedding "src/embedding.md"
    performance "src/performance.md"
    c "src/c.md"
    partykit "src/partykit.md"
    colyseus "src/colyseus.md"
    phoenix "src/phoenix.md"
    glossary "src/glossary.md"
}

/// The board, as `src/whiteboard.md` makes it step by step.
#[cfg(test)]
pub mod board {
    #[path = "../board/first.rs"]
    pub mod first;
    #[path = "../board/fourth.rs"]
    pub mod fourth;
    #[path = "../board/second.rs"]
    pub mod second;
    #[path = "../board/third.rs"]
    pub mod third;
}
