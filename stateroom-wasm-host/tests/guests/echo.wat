;; A well-behaved guest of protocol 0.
;;
;; init: sets the timer to 1 ms. connect: bytes "+" to the client. disconnect: bytes "-" to everyone but the client.
;; message: is echoed to its sender. timer: sets the timer to 1000 times the calls of malloc plus the calls of free.
(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (memory (export "memory") 1)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")
  ;; 64: set timer, its milliseconds.
  (data (i32.const 64) "\01\00\00\00" "\00\00\00\00")
  ;; 80: message, a client, which; bytes, one, "+".
  (data (i32.const 80) "\00\00\00\00" "\01\00\00\00" "\00\00\00\00" "\00\00\00\00" "\01\00\00\00\00\00\00\00" "+")
  ;; 112: message, everyone except, whom; bytes, one, "-".
  (data (i32.const 112) "\00\00\00\00" "\02\00\00\00" "\00\00\00\00" "\00\00\00\00" "\01\00\00\00\00\00\00\00" "-")
  (global $heap (mut i32) (i32.const 1024))
  (global $mallocs (mut i32) (i32.const 0))
  (global $frees (mut i32) (i32.const 0))

  ;; Never reuses anything. Leaves 16 bytes in front of what it returns.
  (func (export "stateroom_malloc") (param $length i32) (result i32) (local $at i32)
    (global.set $mallocs (i32.add (global.get $mallocs) (i32.const 1)))
    (local.set $at (i32.add (global.get $heap) (i32.const 16)))
    (global.set $heap (i32.and (i32.add (i32.add (local.get $at) (local.get $length)) (i32.const 15)) (i32.const -16)))
    (loop $more
      (if (i32.lt_u (i32.mul (memory.size) (i32.const 65536)) (global.get $heap))
        (then
          (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
          (br $more))))
    (local.get $at))
  (func (export "stateroom_free") (param i32 i32)
    (global.set $frees (i32.add (global.get $frees) (i32.const 1))))

  (func $set_timer (param $delay i32)
    (i32.store (i32.const 68) (local.get $delay))
    (call $send (i32.const 64) (i32.const 8)))

  (func (export "stateroom_recv") (param $event i32) (param $length i32)
    (block $timer (block $message (block $disconnect (block $connect (block $init
      (br_table $init $connect $disconnect $message $timer (i32.load (local.get $event))))
      ;; init
      (call $set_timer (i32.const 1))
      return)
      ;; connect
      (i32.store (i32.const 88) (i32.load offset=4 (local.get $event)))
      (call $send (i32.const 80) (i32.const 25))
      return)
      ;; disconnect
      (i32.store (i32.const 120) (i32.load offset=4 (local.get $event)))
      (call $send (i32.const 112) (i32.const 25))
      return)
      ;; message: "message, sender, payload" becomes "message, client, sender, payload", four bytes longer in front
      (i32.store (i32.sub (local.get $event) (i32.const 4)) (i32.const 0))
      (i32.store (local.get $event) (i32.const 1))
      (call $send (i32.sub (local.get $event) (i32.const 4)) (i32.add (local.get $length) (i32.const 4)))
      return)
    ;; timer
    (call $set_timer (i32.add (i32.mul (global.get $mallocs) (i32.const 1000)) (global.get $frees)))))
