;; Sends an effect, and counts, in each call of malloc and free.
(memory (export "memory") 4)
(global $calls (mut i64) (i64.const 0))
(func $count (global.set $calls (i64.add (global.get $calls) (i64.const 1))) (call $tell (global.get $calls)))
(func (export "stateroom_malloc") (param i32) (result i32) (call $count) (i32.const 65536))
(func (export "stateroom_free") (param i32 i32) (call $count))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (call $tell (i64.extend_i32_u (local.get $length))))
