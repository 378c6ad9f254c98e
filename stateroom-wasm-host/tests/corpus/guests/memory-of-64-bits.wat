;; Has a memory with 64-bit addresses.
;;
;; outcome: refused: memory64 must be enabled
(module (memory (export "memory") i64 1)
 (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
 (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
 (func (export "stateroom_malloc") (param i32) (result i32) unreachable)
 (func (export "stateroom_free") (param i32 i32))
 (func (export "stateroom_recv") (param i32 i32)))
