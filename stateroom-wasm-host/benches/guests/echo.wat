;; Echoes each message to its sender and does nothing else, so that it measures the host.
;;
;; All events have the same address, because there is one at a time, with four free bytes in front of it.
(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (memory (export "memory") 2)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")
  (func (export "stateroom_malloc") (param i32) (result i32) (i32.const 1024))
  (func (export "stateroom_free") (param i32 i32))
  (func (export "stateroom_recv") (param $event i32) (param $length i32)
    (if (i32.eq (i32.load (local.get $event)) (i32.const 3))
      (then
        ;; "message, sender, payload" becomes "message, client, sender, payload".
        (i32.store (i32.sub (local.get $event) (i32.const 4)) (i32.const 0))
        (i32.store (local.get $event) (i32.const 1))
        (call $send (i32.sub (local.get $event) (i32.const 4)) (i32.add (local.get $length) (i32.const 4)))))))
