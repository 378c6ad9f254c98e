;; Opens a file of the host, without a directory to open it in.
;;
;; outcome: lives: 0 effects
(import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
(data (i32.const 256) "/etc/passwd")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (local.set $length (i32.const 16))
    (loop $next
      (if (i32.eqz (call $open (local.get $length) (i32.const 0) (i32.const 256) (i32.const 11) (i32.const 0) (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 512)))
        (then unreachable))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br_if $next (local.get $length))))))
