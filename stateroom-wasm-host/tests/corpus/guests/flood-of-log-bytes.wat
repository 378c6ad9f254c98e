;; Writes all of its memory to stdout, forever.
;;
;; outcome: message: cpu_budget: an event exceeded its CPU budget of 0.05 s
(data (i32.const 256) "\00\00\00\00" "\00\00\02\00")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (loop $again (drop (call $write (i32.const 1) (i32.const 256) (i32.const 1) (i32.const 512))) (br $again)))))
