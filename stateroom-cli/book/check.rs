//! Compiles the guide's code: the pages as doctests, the whiteboard's steps as modules.
//!
//! `.ci/book.py` checks links, compares listings with their files, and executes the whiteboard page.
#![forbid(unsafe_code)]

/// Makes a doctest module of each page.
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
    frontend "src/frontend.md"
    testing "src/testing.md"
    inspector "src/inspector.md"
    durable "src/durable.md"
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

/// The whiteboard, one module per step of `src/whiteboard.md`.
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
