;; Returns null from `stateroom_malloc`.
;;
;; outcome: init: bad_pointer: `stateroom_malloc` failed to allocate 1024 bytes
(func (export "stateroom_malloc") (param $length i32) (result i32)
  (i32.const 0))
