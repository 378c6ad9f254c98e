;; Writes 20 MiB of its memory for each message: eight bytes at a time, of which three look random. Echoes nothing.
(module
  (memory (export "memory") 400)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")
  (global $random (mut i64) (i64.const 1))
  (func (export "stateroom_malloc") (param i32) (result i32) (i32.const 1024))
  (func (export "stateroom_free") (param i32 i32))
  (func (export "stateroom_recv") (param $event i32) (param $length i32) (local $at i32)
    (if (i32.ne (i32.load (local.get $event)) (i32.const 3)) (then (return)))
    (local.set $at (i32.const 20971520))
    (loop $more
      (global.set $random (i64.add
        (i64.mul (global.get $random) (i64.const 6364136223846793005))
        (i64.const 1442695040888963407)))
      (i64.store offset=1048576 (local.get $at) (i64.shr_u (global.get $random) (i64.const 40)))
      (br_if $more (local.tee $at (i32.sub (local.get $at) (i32.const 8)))))))
