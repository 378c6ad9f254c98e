;; Computes forever with one of the slowest instructions.
;;
;; outcome: message: cpu_budget: an event exceeded its CPU budget of 0.05 s
(global $number (mut i64) (i64.const -1))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (loop $again
      (global.set $number (i64.div_u (global.get $number) (i64.const 3)))
      (global.set $number (i64.sub (global.get $number) (i64.const 7)))
      (br $again)))))
