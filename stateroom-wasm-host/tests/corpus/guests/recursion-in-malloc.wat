;; Recurses forever in `stateroom_malloc`.
;;
;; outcome: init: trap: call stack exhausted
(func $malloc (export "stateroom_malloc") (param $length i32) (result i32)
  (i32.add (call $malloc (local.get $length)) (call $malloc (local.get $length))))
