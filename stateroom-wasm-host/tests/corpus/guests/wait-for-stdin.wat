;; Reads stdin until there is an error. It is empty, and never fails.
;;
;; outcome: message: cpu_budget: an event exceeded its CPU budget of 0.05 s
(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
(data (i32.const 256) "\00\10\00\00" "\01\00\00\00")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (loop $again (br_if $again (i32.eqz (call $read (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 512))))))))
