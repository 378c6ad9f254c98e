;; Reads the clock forever.
;;
;; outcome: message: cpu_budget: an event exceeded its CPU budget of 0.05 s
(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (loop $again (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 256))) (br $again)))))
