;; Executes the command in the first byte of a message.
;;
;; disconnect: broadcasts bytes "-". message: "b" is broadcast, "t" traps, "p" sends from outside of the memory, "g" sends garbage, "s"
;; computes forever, "m" grows its memory forever; anything else is echoed to its sender.
(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (memory (export "memory") 64)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")
  ;; 32: message, broadcast; bytes, one, "-".
  (data (i32.const 32) "\00\00\00\00" "\00\00\00\00" "\00\00\00\00" "\01\00\00\00\00\00\00\00" "-")

  ;; The host keeps one buffer, so one address suffices; the four bytes in front of it are the guest's.
  (func (export "stateroom_malloc") (param i32) (result i32) (i32.const 1028))
  (func (export "stateroom_free") (param i32 i32))

  (func (export "stateroom_recv") (param $event i32) (param $length i32) (local $what i32)
    (if (i32.eq (i32.load (local.get $event)) (i32.const 2))
      (then (call $send (i32.const 32) (i32.const 21)) (return)))
    (if (i32.ne (i32.load (local.get $event)) (i32.const 3)) (then (return)))
    (local.set $what (i32.load8_u offset=20 (local.get $event)))
    (if (i32.eq (local.get $what) (i32.const 0x62)) ;; b
      (then
        (i64.store (local.get $event) (i64.const 0))
        (call $send (local.get $event) (local.get $length))
        (return)))
    (if (i32.eq (local.get $what) (i32.const 0x74)) (then unreachable)) ;; t
    (if (i32.eq (local.get $what) (i32.const 0x70)) ;; p
      (then (call $send (i32.const -1) (i32.const -1))))
    (if (i32.eq (local.get $what) (i32.const 0x67)) ;; g
      (then (i32.store (local.get $event) (i32.const -1)) (call $send (local.get $event) (i32.const 4))))
    (if (i32.eq (local.get $what) (i32.const 0x73)) (then (loop $spin (br $spin)))) ;; s
    (if (i32.eq (local.get $what) (i32.const 0x6d)) ;; m
      (then
        (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        unreachable))
    ;; "message, sender, payload" becomes "message, client, sender, payload", four bytes longer in front
    (i32.store (i32.sub (local.get $event) (i32.const 4)) (i32.const 0))
    (i32.store (local.get $event) (i32.const 1))
    (call $send (i32.sub (local.get $event) (i32.const 4)) (i32.add (local.get $length) (i32.const 4)))))
