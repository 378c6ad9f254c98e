;; Computes forever in timer.
;;
;; outcome: timer: cpu_budget: an event exceeded its CPU budget of 0.05 s
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 4)) (then
    (loop $again (br $again)))))
