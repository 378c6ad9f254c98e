;; Overwrites effects that the host may have read already.
;;
;; outcome: lives: 7 effects
(global (export "STATEROOM_EFFECTS") i32 (i32.const 16))
(data (i32.const 64)
  "\06\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\02\00\00\00" "\03\00\00\00" "\04\00\00\00" "\05\00\00\00"
  "\00\00\00\00\00\00\00\00")
(func (export "stateroom_hello") (param i32 i32) (result i64)
  (i64.or (i64.shl (i64.const 64) (i64.const 32)) (i64.const 40)))
(data (i32.const 256) "\00\00\00\00\00\00\00\00\01\00\00\00\78" "\ff\ff\00\00\00\00\00\00\00\00\00\00")
(func (export "stateroom_batch") (param $at i32) (param $length i32) (local $end i32) (local $out i32) (local $count i32)
  (local.set $end (i32.add (local.get $at) (local.get $length)))
  (local.set $out (i32.const 4096))
  (loop $next
    (memory.copy (local.get $out) (i32.const 256) (i32.const 25))
    (local.set $out (i32.add (local.get $out) (i32.const 25)))
    (local.set $at (i32.add (i32.add (local.get $at) (i32.const 12)) (i32.load offset=8 (local.get $at))))
    (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
  (i32.store (i32.const 16) (i32.const 4096))
  (i32.store (i32.const 20) (i32.sub (local.get $out) (i32.const 4096)))
  (local.set $count (i32.const 1000000))
  (loop $wait
    (local.set $count (i32.sub (local.get $count) (i32.const 1)))
    (br_if $wait (local.get $count)))
  (i32.store8 (i32.const 4108) (i32.const 0xff)))
