;; Requests 64 KiB of random numbers, forever.
;;
;; outcome: message: cpu_budget: an event exceeded its CPU budget of 0.05 s
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (drop (memory.grow (i32.const 1)))
    (loop $again (drop (call $random (i32.const 65536) (i32.const 65536))) (br $again)))))
