;; Overwrites data and zeros, and restores what was there.
(memory (export "memory") 8)
(data (i32.const 200000) "the beginning")
(global $events (mut i32) (i32.const 0))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (global.set $events (i32.add (global.get $events) (i32.const 1)))
  (if (i32.and (global.get $events) (i32.const 1))
    (then
      (memory.copy (i32.const 300000) (i32.const 200000) (i32.const 13))
      (memory.fill (i32.const 200000) (local.get $length) (i32.const 13)))
    (else
      (memory.copy (i32.const 200000) (i32.const 300000) (i32.const 13))
      (memory.fill (i32.const 300000) (i32.const 0) (i32.const 13))))
  (call $tell (i64.load (i32.const 200000))))
