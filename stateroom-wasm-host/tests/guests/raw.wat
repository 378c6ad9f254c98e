;; Sends the bytes of each message unchanged, as an encoded effect. Ignores all other events.
;;
;; A template: tests replace the last comment.
(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (memory (export "memory") 32)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")
  (func (export "stateroom_malloc") (param i32) (result i32) (i32.const 65536))
  (func (export "stateroom_free") (param i32 i32))
  (func (export "stateroom_recv") (param $event i32) (param $length i32)
    (if (i32.eq (i32.load (local.get $event)) (i32.const 3))
      (then (call $send (i32.add (local.get $event) (i32.const 20)) (i32.load offset=12 (local.get $event))))))
  (; more ;))
