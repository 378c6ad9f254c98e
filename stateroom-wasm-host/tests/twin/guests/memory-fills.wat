;; Fills much of its memory, across the borders of pages.
(memory (export "memory") 32)
(global $events (mut i32) (i32.const 0))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (global.set $events (i32.add (global.get $events) (i32.const 1)))
  (memory.fill
    (i32.add (i32.const 131000) (i32.mul (local.get $length) (i32.const 3)))
    (global.get $events)
    (i32.mul (i32.and (local.get $length) (i32.const 63)) (i32.const 1000)))
  (call $tell (i64.load (i32.const 200001))))
