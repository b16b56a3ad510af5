//! What only our own tests, fuzz targets and the demo reach. No promise: any of it may change with any version.

pub mod collector {
    pub use crate::collector::missing;
}
pub mod core_file {
    pub use crate::core_file::{CoreFile, FileTable};
}
pub mod debug_files {
    pub use crate::debug_files::{DebugFolders, ElfFile};
    pub mod c_header {
        pub use crate::debug_files::c_header::layout;
    }
    pub mod debug_information {
        pub use crate::debug_files::debug_information::DebugInformation;
    }
    pub mod dwarf {
        pub use crate::debug_files::dwarf::{Problem, Types};
    }
    pub mod symbols {
        pub use crate::debug_files::symbols::{Symbols, demangled};
    }
}
pub mod diff {
    pub mod newer {
        pub use crate::diff::newer::Taken;
    }
}
pub mod lock_shapes {
    use crate::machine::Machine;

    /// How many locks of C libraries `bytes` could be.
    pub fn count(bytes: &[u8], machine: Machine) -> usize {
        let bytes = &crate::lock_shapes::LockBytes::new(bytes, machine);
        let shapes = crate::lock_shapes::SHAPES.iter();
        shapes.filter(|shape| (shape.read)(bytes).is_some()).count()
    }
}
pub mod look {
    pub use crate::look::{Budget, Extensive, Surroundings};
}
pub mod notation {
    pub mod c_header {
        pub use crate::notation::c_header::{Header, Problem};
    }
    pub mod inline {
        pub use crate::notation::inline::parse;
    }
}
pub mod proc_files {
    pub use crate::proc_files::ProcessFolder;
}
pub mod stopped {
    pub use crate::stopped::while_stopped;
}
