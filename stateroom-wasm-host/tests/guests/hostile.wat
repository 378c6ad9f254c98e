;; Executes the command in the first byte of a message; most commands are hostile.
(module
  (import "env" "stateroom_send" (func $send (param i32 i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "sock_shutdown" (func $shutdown (param i32 i32) (result i32)))
  (memory (export "memory") 32)
  (table $table 1 funcref)
  (global (export "STATEROOM_API_VERSION") i32 (i32.const 8))
  (global (export "STATEROOM_API_PROTOCOL") i32 (i32.const 12))
  (global $zero (mut i32) (i32.const 0))
  (data (i32.const 8) "\01\00\00\00" "\00\00\00\00")
  ;; 64: message, broadcast; text, four bytes, "here".
  (data (i32.const 64) "\00\00\00\00" "\00\00\00\00" "\01\00\00\00" "\04\00\00\00\00\00\00\00" "here")
  ;; 96: message, broadcast; bytes, 65536 of them, from the following memory.
  (data (i32.const 96) "\00\00\00\00" "\00\00\00\00" "\00\00\00\00" "\00\00\01\00\00\00\00\00")
  ;; 128: the address and the length of the output: 192, 46. 136: those of its second line: 227, 11.
  (data (i32.const 128) "\c0\00\00\00" "\2e\00\00\00" "\e3\00\00\00" "\0b\00\00\00")
  (data (i32.const 192) "thread 'a' panicked at lib.rs:1:1:\0athe bottom\0a")
  ;; 256: a subscription to the clock: user data, kind, clock, 20 s, precision, relative.
  (data (i32.const 256) "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00" "\01\00\00\00\00\00\00\00"
                        "\00\c8\17\a8\04\00\00\00" "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00")
  ;; 320: the same for zero time.
  (data (i32.const 320) "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00" "\01\00\00\00\00\00\00\00"
                        "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00")
  (func (export "stateroom_malloc") (param i32) (result i32) (i32.const 65536))
  (func (export "stateroom_free") (param i32 i32))
  (func $here (call $send (i32.const 64) (i32.const 24)))
  (func $spin (loop $again (br $again)))
  (func $recurse (param i32) (result i32) (i32.add (call $recurse (local.get 0)) (i32.const 1)))
  (func $print (drop (call $write (i32.const 2) (i32.const 136) (i32.const 1) (i32.const 512))))
  (func $complain (drop (call $write (i32.const 2) (i32.const 128) (i32.const 1) (i32.const 512))))

  (func $write_and_recurse (param i32) (result i32)
    (call $print)
    (i32.add (call $write_and_recurse (local.get 0)) (i32.const 1)))

  (func $recv (export "stateroom_recv") (param $event i32) (param $length i32) (local $command i32)
    (if (i32.ne (i32.load (local.get $event)) (i32.const 3)) (then return))
    (local.set $command (i32.load8_u offset=20 (local.get $event)))
    ;; e: answers "here".
    (if (i32.eq (local.get $command) (i32.const 0x65)) (then (call $here)))
    ;; u: sends, then traps.
    (if (i32.eq (local.get $command) (i32.const 0x75)) (then (call $here) unreachable))
    ;; p: the same, with a panic's message.
    (if (i32.eq (local.get $command) (i32.const 0x70)) (then (call $complain) unreachable))
    ;; c: writes that message without a trap.
    (if (i32.eq (local.get $command) (i32.const 0x63)) (then (call $complain)))
    ;; o: reads beyond its memory.
    (if (i32.eq (local.get $command) (i32.const 0x6f)) (then (drop (i32.load (i32.const -4)))))
    ;; s: recurses.
    (if (i32.eq (local.get $command) (i32.const 0x73)) (then (drop (call $recurse (i32.const 1)))))
    ;; S: recurses, and writes each time.
    (if (i32.eq (local.get $command) (i32.const 0x53)) (then (drop (call $write_and_recurse (i32.const 1)))))
    ;; d: divides by zero.
    (if (i32.eq (local.get $command) (i32.const 0x64)) (then (drop (i32.div_u (i32.const 1) (global.get $zero)))))
    ;; l: computes forever.
    (if (i32.eq (local.get $command) (i32.const 0x6c)) (then (call $here) (call $spin)))
    ;; z: sleeps for 20 s.
    (if (i32.eq (local.get $command) (i32.const 0x7a))
      (then (drop (call $poll (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 640)))))
    ;; y: sleeps for zero time, once.
    (if (i32.eq (local.get $command) (i32.const 0x79))
      (then (drop (call $poll (i32.const 320) (i32.const 512) (i32.const 1) (i32.const 640))) (call $here)))
    ;; Y: sleeps for zero time, forever.
    (if (i32.eq (local.get $command) (i32.const 0x59))
      (then (loop $again
        (drop (call $poll (i32.const 320) (i32.const 512) (i32.const 1) (i32.const 640))) (br $again))))
    ;; m: grows its memory up to the limit, and traps.
    (if (i32.eq (local.get $command) (i32.const 0x6d))
      (then (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable))
    ;; M: grows its memory up to the limit, and continues.
    (if (i32.eq (local.get $command) (i32.const 0x4d))
      (then (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (call $here)))
    ;; t: grows its table up to the limit, and traps.
    (if (i32.eq (local.get $command) (i32.const 0x74))
      (then
        (loop $again (br_if $again (i32.ne (table.grow $table (ref.null func) (i32.const 100)) (i32.const -1))))
        unreachable))
    ;; b: sends bytes that begin in its memory and end outside. B: bytes that wrap around to address 0.
    (if (i32.eq (local.get $command) (i32.const 0x62)) (then (call $send (i32.const 2097150) (i32.const 3))))
    (if (i32.eq (local.get $command) (i32.const 0x42)) (then (call $send (i32.const -16) (i32.const 16))))
    ;; g: sends garbage. G: sends nothing.
    (if (i32.eq (local.get $command) (i32.const 0x67)) (then (call $send (i32.const 192) (i32.const 46))))
    (if (i32.eq (local.get $command) (i32.const 0x47)) (then (call $send (i32.const 0) (i32.const 0))))
    ;; f: floods with small messages. F: with large ones.
    (if (i32.eq (local.get $command) (i32.const 0x66)) (then (loop $again (call $here) (br $again))))
    (if (i32.eq (local.get $command) (i32.const 0x46))
      (then (loop $again (call $send (i32.const 96) (i32.const 65556)) (br $again))))
    ;; L: sends large messages, five of them.
    (if (i32.eq (local.get $command) (i32.const 0x4c))
      (then
        (local.set $length (i32.const 5))
        (loop $again
          (call $send (i32.const 96) (i32.const 65556))
          (br_if $again (local.tee $length (i32.sub (local.get $length) (i32.const 1)))))))
    ;; w: floods the log, then answers.
    (if (i32.eq (local.get $command) (i32.const 0x77))
      (then
        (local.set $length (i32.const 1000))
        (loop $again
          (call $print)
          (br_if $again (local.tee $length (i32.sub (local.get $length) (i32.const 1)))))
        (call $here)))
    ;; W: writes more at once than a pipe takes, and answers.
    (if (i32.eq (local.get $command) (i32.const 0x57))
      (then
        (i32.store (i32.const 132) (i32.const 2000000))
        (if (call $write (i32.const 1) (i32.const 128) (i32.const 1) (i32.const 512)) (then unreachable))
        (if (i32.ne (i32.load (i32.const 512)) (i32.const 65536)) (then unreachable))
        (call $here)))
    ;; r: requests many random bytes, and traps if it gets none.
    (if (i32.eq (local.get $command) (i32.const 0x72))
      (then
        (if (call $random (i32.const 1024) (i32.const 2000000)) (then unreachable))
        (if (i64.eqz (i64.load (i32.const 2000000))) (then unreachable))
        (call $here)))
    ;; x: exits.
    (if (i32.eq (local.get $command) (i32.const 0x78)) (then (call $exit (i32.const 3))))
    ;; i: reads two million bytes of stdin, which is empty.
    (if (i32.eq (local.get $command) (i32.const 0x69))
      (then
        (i32.store (i32.const 132) (i32.const 2000000))
        (if (call $read (i32.const 0) (i32.const 128) (i32.const 1) (i32.const 512)) (then unreachable))
        (if (i32.load (i32.const 512)) (then unreachable))
        (call $here)))
    ;; P: panics with a text of 1 MiB, written as Rust does.
    (if (i32.eq (local.get $command) (i32.const 0x50))
      (then
        (memory.fill (i32.const 600000) (i32.const 0x78) (i32.const 1048576))
        (drop (call $write (i32.const 2) (i32.const 128) (i32.const 1) (i32.const 512)))
        (local.set $event (i32.const 600000))
        (local.set $length (i32.const 1048576))
        (loop $again
          (i32.store (i32.const 144) (local.get $event))
          (i32.store (i32.const 148) (local.get $length))
          (if (call $write (i32.const 2) (i32.const 144) (i32.const 1) (i32.const 512)) (then unreachable))
          (local.set $event (i32.add (local.get $event) (i32.load (i32.const 512))))
          (br_if $again (local.tee $length (i32.sub (local.get $length) (i32.load (i32.const 512))))))
        unreachable))
    ;; 1: handles a refused growth. 2: handles refused random numbers. Both then execute the next command.
    (if (i32.eq (local.get $command) (i32.const 0x31)) (then (drop (memory.grow (i32.const 60000)))))
    (if (i32.eq (local.get $command) (i32.const 0x32))
      (then (drop (call $random (i32.const 1024) (i32.const 2000000)))))
    (if (i32.or (i32.eq (local.get $command) (i32.const 0x31)) (i32.eq (local.get $command) (i32.const 0x32)))
      (then
        (i32.store8 offset=20 (local.get $event) (i32.load8_u offset=21 (local.get $event)))
        (call $recv (local.get $event) (local.get $length))))
    ;; n: uses a socket.
    (if (i32.eq (local.get $command) (i32.const 0x6e))
      (then
        (if (i32.ne (call $shutdown (i32.const 0) (i32.const 0)) (i32.const 57)) (then unreachable))
        (call $here)))))
