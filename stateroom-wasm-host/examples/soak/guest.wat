;; A guest of protocol 0 for the soak test: broadcasts each message, unless its first byte asks for harm.
(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (memory (export "memory") 16)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")
  ;; Where the bytes to print are, and their number.
  (data (i32.const 64) "\00\00\06\00" "\e8\03\00\00")
  ;; An empty broadcast.
  (data (i32.const 128) "\00\00\00\00" "\00\00\00\00" "\00\00\00\00" "\00\00\00\00\00\00\00\00")
  ;; A timer of 16 ms.
  (data (i32.const 192) "\01\00\00\00" "\10\00\00\00")

  ;; The host has one buffer at a time, and frees it before it allocates a larger one.
  (func (export "stateroom_malloc") (param $length i32) (result i32)
    (if (result i32) (i32.gt_u (local.get $length) (i32.const 260000)) (then (i32.const 0)) (else (i32.const 1024))))
  (func (export "stateroom_free") (param i32 i32))

  ;; Grows by 8 MiB, and writes to each page.
  (func $grow (local $page i32)
    (local.set $page (memory.grow (i32.const 128)))
    (if (i32.eq (local.get $page) (i32.const -1)) (then unreachable))
    (memory.fill (i32.shl (local.get $page) (i32.const 16)) (i32.const 1) (i32.const 8388608)))

  (func $fill_forever
    (loop $again
      (memory.fill (i32.const 524288) (i32.const 1) (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 524288)))
      (br $again)))

  (func $broadcast_often (local $left i32)
    (local.set $left (i32.const 90000))
    (loop $again
      (call $send (i32.const 128) (i32.const 20))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))

  ;; 60 lines of 999 characters.
  (func $print_lines (local $left i32)
    (memory.fill (i32.const 393216) (i32.const 46) (i32.const 999))
    (i32.store8 (i32.const 394215) (i32.const 10))
    (local.set $left (i32.const 60))
    (loop $again
      (drop (call $fd_write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 80)))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))

  (func $random_forever
    (loop $again
      (drop (call $random_get (i32.const 524288) (i32.const 500000)))
      (br $again)))

  ;; Answers with 500,000 bytes.
  (func $answer (param $sender i32) (param $kind i32)
    (i32.store (i32.const 524288) (i32.const 0))
    (i32.store (i32.const 524292) (i32.const 1))
    (i32.store (i32.const 524296) (local.get $sender))
    (i32.store (i32.const 524300) (local.get $kind))
    (i64.store (i32.const 524304) (i64.const 500000))
    (memory.fill (i32.const 524312) (i32.const 46) (i32.const 500000))
    (call $send (i32.const 524288) (i32.const 500024)))

  (func (export "stateroom_recv") (param $event i32) (param $length i32) (local $first i32)
    (if (i32.eq (i32.load (local.get $event)) (i32.const 4)) (then (call $send (i32.const 192) (i32.const 8))))
    (if (i32.ne (i32.load (local.get $event)) (i32.const 3)) (then (return)))
    ;; After the kind, the sender, the payload's kind and its length.
    (local.set $first (i32.load8_u offset=20 (local.get $event)))
    (if (i32.eq (local.get $first) (i32.const 0x21 (; ! ;))) (then unreachable))
    (if (i32.eq (local.get $first) (i32.const 0x40 (; @ ;))) (then (loop $again (br $again))))
    (if (i32.eq (local.get $first) (i32.const 0x23 (; # ;))) (then (call $grow)))
    (if (i32.eq (local.get $first) (i32.const 0x24 (; $ ;))) (then (call $fill_forever)))
    (if (i32.eq (local.get $first) (i32.const 0x25 (; % ;))) (then (call $broadcast_often)))
    (if (i32.eq (local.get $first) (i32.const 0x26 (; & ;))) (then (call $print_lines)))
    (if (i32.eq (local.get $first) (i32.const 0x2a (; * ;))) (then (call $send (i32.const 192) (i32.const 8))))
    (if (i32.eq (local.get $first) (i32.const 0x3f (; ? ;))) (then (call $random_forever)))
    (if (i32.eq (local.get $first) (i32.const 0x28 (; opening parenthesis ;)))
      (then (call $answer (i32.load offset=4 (local.get $event)) (i32.load offset=8 (local.get $event)))))
    ;; "message, sender, payload" becomes "message, broadcast, payload".
    (i32.store (local.get $event) (i32.const 0))
    (i32.store offset=4 (local.get $event) (i32.const 0))
    (call $send (local.get $event) (local.get $length))))
