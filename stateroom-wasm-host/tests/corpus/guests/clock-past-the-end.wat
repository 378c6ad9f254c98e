;; Reads the clock into memory that it does not have.
;;
;; outcome: message: trap: Pointer out of bounds
(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 131071))))))
