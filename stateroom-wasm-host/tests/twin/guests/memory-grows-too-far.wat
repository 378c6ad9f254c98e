;; Grows its memory beyond the host's limit if an event is long: it fails in these events.
(memory (export "memory") 2)
(global $events (mut i32) (i32.const 0))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (global.set $events (i32.add (global.get $events) (i32.const 1)))
  (if (i32.gt_u (local.get $length) (i32.const 1000)) (then (drop (memory.grow (i32.const 1000)))))
  (if (i32.gt_u (local.get $length) (i32.const 4000)) (then (drop (memory.grow (i32.const 65536)))))
  (call $tell (i64.extend_i32_u (global.get $events))))
