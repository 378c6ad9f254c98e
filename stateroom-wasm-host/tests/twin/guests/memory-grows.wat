;; Grows its memory now and then, writes to its end, and tells its size.
(memory (export "memory") 2)
(global $events (mut i32) (i32.const 0))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (global.set $events (i32.add (global.get $events) (i32.const 1)))
  (if (i32.eqz (i32.rem_u (global.get $events) (i32.const 17)))
    (then (call $tell (i64.extend_i32_s (memory.grow (i32.const 1))))))
  (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (global.get $events))
  (call $tell (i64.extend_i32_u (memory.size))))
