;; Has an empty memory, so that the versions are outside.
;;
;; outcome: refused: `STATEROOM_API_VERSION` is at address 8, outside of the module's memory
(module (memory (export "memory") 0)
 (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
 (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
 (func (export "stateroom_malloc") (param i32) (result i32) unreachable)
 (func (export "stateroom_free") (param i32 i32))
 (func (export "stateroom_recv") (param i32 i32)))
