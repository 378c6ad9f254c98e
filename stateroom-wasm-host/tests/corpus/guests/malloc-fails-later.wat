;; Has memory for short events only.
;;
;; outcome: long message: bad_pointer: `stateroom_malloc` failed to allocate 4096 bytes
(func (export "stateroom_malloc") (param $length i32) (result i32)
  (select (i32.const 65536) (i32.const 0) (i32.le_u (local.get $length) (i32.const 1024))))
