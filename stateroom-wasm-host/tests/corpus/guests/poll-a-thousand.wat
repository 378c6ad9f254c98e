;; Waits for a thousand clocks at once, forever.
;;
;; outcome: message: time_budget: an event exceeded its time budget of 1 s
(data (i32.const 256)
  "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00" "\01\00\00\00\00\00\00\00"
  "\ff\ff\ff\ff\ff\ff\ff\7f" "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (local.set $length (i32.const 0))
    (loop $next
      (memory.copy (i32.add (i32.const 4096) (i32.mul (local.get $length) (i32.const 48))) (i32.const 256) (i32.const 48))
      (local.set $length (i32.add (local.get $length) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $length) (i32.const 1000))))
    (drop (call $poll (i32.const 4096) (i32.const 65536) (i32.const 1000) (i32.const 1024))))))
