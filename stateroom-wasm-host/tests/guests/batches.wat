;; A guest that accepts batches of events.
;;
;; message: "T" traps, "P" writes the message to stderr, "S" computes forever, "L" computes for long; anything else is echoed to its sender.
;; "I" and "J" are echoed, too, and hand over: "I" the effects of the event in progress, "J" an end marker as well.
(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 16)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")
  ;; The address and the length of the effects.
  (global (export "STATEROOM_EFFECTS") i32 (i32.const 16))
  ;; 64: the answer to the greeting, with all events but calls.
  (data (i32.const 64)
    "\05\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\02\00\00\00" "\03\00\00\00" "\04\00\00\00"
    "\02\00\00\00\00\00\00\00" "\00\00\00\00" "\01\00\00\00")
  (data (i32.const 144) "\ff\ff")
  (func (export "stateroom_hello") (param i32 i32) (result i64)
    (i64.or (i64.shl (i64.const 64) (i64.const 32)) (i64.const 44)))
  (func (export "stateroom_malloc") (param i32) (result i32) (i32.const 65536))
  (func (export "stateroom_free") (param i32 i32))
  (func (export "stateroom_recv") (param i32 i32) unreachable)

  (func (export "stateroom_batch") (param $at i32) (param $length i32)
    (local $end i32) (local $out i32) (local $size i32) (local $what i32) (local $count i32)
    (local.set $out (i32.const 524288))
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (loop $next
      (local.set $size (i32.load offset=8 (local.get $at)))
      (if (i32.eq (i32.load16_u (local.get $at)) (i32.const 3))
        (then
          (local.set $what (i32.load8_u offset=12 (local.get $at)))
          (if (i32.eq (local.get $what) (i32.const 0x54)) (then unreachable)) ;; T
          (if (i32.eq (local.get $what) (i32.const 0x50)) ;; P
            (then
              (i32.store (i32.const 128) (i32.add (local.get $at) (i32.const 12)))
              (i32.store (i32.const 132) (local.get $size))
              (drop (call $write (i32.const 2) (i32.const 128) (i32.const 1) (i32.const 136)))))
          (if (i32.eq (local.get $what) (i32.const 0x53)) (then (loop $spin (br $spin)))) ;; S
          (if (i32.eq (local.get $what) (i32.const 0x4c)) ;; L
            (then
              (local.set $count (i32.const 30000000))
              (loop $long
                (local.set $count (i32.sub (local.get $count) (i32.const 1)))
                (br_if $long (local.get $count)))))
          ;; message, to a client, which; the same content
          (i32.store16 (local.get $out) (i32.const 0))
          (i32.store16 offset=2 (local.get $out) (i32.or (i32.load16_u offset=2 (local.get $at)) (i32.const 2)))
          (i32.store offset=4 (local.get $out) (i32.load offset=4 (local.get $at)))
          (i32.store offset=8 (local.get $out) (local.get $size))
          (memory.copy
            (i32.add (local.get $out) (i32.const 12)) (i32.add (local.get $at) (i32.const 12)) (local.get $size))
          (local.set $size (i32.add (i32.const 12) (local.get $size)))
          (if (i32.eq (local.get $what) (i32.const 0x49)) ;; I
            (then
              (call $send (local.get $out) (local.get $size))
              (local.set $out (i32.sub (i32.const 524288) (local.get $size)))))
          (if (i32.eq (local.get $what) (i32.const 0x4a)) ;; J
            (then (call $send (i32.const 144) (i32.const 12))))
          (local.set $out (i32.add (local.get $out) (local.get $size)))
          (local.set $size (i32.sub (local.get $size) (i32.const 12)))))
      ;; the end of the event
      (i64.store (local.get $out) (i64.const 0xffff))
      (i32.store offset=8 (local.get $out) (i32.const 0))
      (local.set $out (i32.add (local.get $out) (i32.const 12)))
      (i32.store (i32.const 16) (i32.const 524288))
      (i32.store (i32.const 20) (i32.sub (local.get $out) (i32.const 524288)))
      (local.set $at (i32.add (i32.add (local.get $at) (i32.const 12)) (local.get $size)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))))
