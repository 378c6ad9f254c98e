;; The service under measurement. The first byte of a message selects the response: "b" broadcasts the message, "h" spins
;; forever, "w" computes for some tenths of a millisecond and then echoes, anything else echoes immediately.
(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (memory (export "memory") 1)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")

  ;; The host allocates one buffer. The four bytes before it are reserved for the longer header of a response.
  (func (export "stateroom_malloc") (param i32) (result i32) (i32.const 1028))
  (func (export "stateroom_free") (param i32 i32))

  (func $work (local $left i32)
    (local.set $left (i32.const 500000))
    (loop $more
      (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))

  ;; Event kind 3 is a message: the sender is at offset 4, the length of the text at 12, the text at 20.
  (func (export "stateroom_recv") (param $event i32) (param $length i32) (local $first i32)
    (if (i32.ne (i32.load (local.get $event)) (i32.const 3)) (then (return)))
    (if (i32.ge_u (local.get $length) (i32.const 21))
      (then (local.set $first (i32.load8_u offset=20 (local.get $event)))))
    (if (i32.eq (local.get $first) (i32.const 0x68)) (then (loop $forever (br $forever)))) ;; h
    (if (i32.eq (local.get $first) (i32.const 0x77)) (then (call $work))) ;; w
    (if (i32.eq (local.get $first) (i32.const 0x62)) ;; b
      (then
        ;; Overwrites "kind, sender" with "send, broadcast".
        (i64.store (local.get $event) (i64.const 0))
        (call $send (local.get $event) (local.get $length))
        (return)))
    ;; Overwrites "kind, sender" with "send, to client, sender".
    (i32.store (i32.sub (local.get $event) (i32.const 4)) (i32.const 0))
    (i32.store (local.get $event) (i32.const 1))
    (call $send (i32.sub (local.get $event) (i32.const 4)) (i32.add (local.get $length) (i32.const 4)))))
