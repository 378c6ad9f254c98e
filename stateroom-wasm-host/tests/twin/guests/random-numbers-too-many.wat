;; Takes more random numbers at once than permitted if an event is long.
(memory (export "memory") 64)
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (call $tell (i64.extend_i32_u (call $random (i32.const 200000)
    (select (i32.const 2000000) (i32.const 3000) (i32.gt_u (local.get $length) (i32.const 1000))))))
  (call $tell (i64.load (i32.const 202992))))
