;; Computes forever, mostly in a function of the host.
;;
;; outcome: message: cpu_budget: an event exceeded its CPU budget of 0.05 s
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (loop $again (drop (call $yield)) (br $again)))))
