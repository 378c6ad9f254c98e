;; Closes stdout and stderr, and writes to them.
;;
;; outcome: lives: 0 effects
(import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
(data (i32.const 256) "\08\01\00\00" "\08\00\00\00" "too much")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (drop (call $close (i32.const 1)))
    (drop (call $close (i32.const 2)))
    (drop (call $write (i32.const 1) (i32.const 256) (i32.const 1) (i32.const 512)))
    (drop (call $write (i32.const 2) (i32.const 256) (i32.const 1) (i32.const 512))))))
