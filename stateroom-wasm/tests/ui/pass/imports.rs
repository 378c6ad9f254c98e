//! The attribute may be imported in any way. No module of these has the crate in scope under its own name.
#![allow(unused_imports)]

macro_rules! service {
    ($($attribute:tt)*) => {
        #[$($attribute)*]
        #[derive(Default)]
        struct Service;

        impl ::stateroom_wasm::StateroomService for Service {}
    };
}

/// As a program's own crate does.
mod prelude {
    pub use stateroom_wasm::{self as rooms, stateroom_wasm as service, *};
}

mod glob {
    use stateroom_wasm::*;
    use stateroom_wasm::testing::*;

    service!(stateroom_wasm);
}

mod one_name {
    use crate::prelude::stateroom_wasm;

    #[stateroom_wasm]
    type Alias = super::glob_of_prelude::Service;
}

mod glob_of_prelude {
    use crate::prelude::*;

    #[stateroom_wasm]
    #[derive(Default)]
    pub(crate) struct Service;

    impl StateroomService for Service {}
}

mod another_name {
    use crate::prelude::stateroom_wasm as export;

    #[export]
    type Alias = super::glob_of_prelude::Service;
}

mod path {
    mod stateroom_wasm {}

    #[crate::prelude::rooms::stateroom_wasm]
    type Alias = super::glob_of_prelude::Service;

    #[cfg_attr(all(), crate::prelude::service)]
    type Other = super::glob_of_prelude::Service;
}

mod given {
    mod stateroom_wasm {}

    #[crate::prelude::service(crate = crate::prelude::rooms)]
    type Alias = super::glob_of_prelude::Service;

    service!(crate::prelude::service(crate = "crate::prelude::rooms"));
}

fn main() {
    #[stateroom_wasm::stateroom_wasm]
    #[derive(Default)]
    struct InFunction;

    impl stateroom_wasm::StateroomService for InFunction {}
}
