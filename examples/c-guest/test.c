// Tests the guest natively. The test is the host: it sends events in the encoding of the guest interface, and records
// each effect as a line of text.

#define _POSIX_C_SOURCE 200809L // for fork and waitpid

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Exports and imports of the guest
extern const uint32_t STATEROOM_API_VERSION;
extern const uint32_t STATEROOM_API_PROTOCOL;
void *stateroom_malloc(uint32_t length);
void stateroom_free(void *address, uint32_t length);
void stateroom_recv(const void *event, uint32_t length);
uint64_t stateroom_hello(const void *greeting, uint32_t length);
void stateroom_send(const void *effect, uint32_t length);

static int failures;

__attribute__((format(printf, 3, 4)))
static void check(bool ok, int line, const char *format, ...) {
    if (ok) return;
    failures++;
    va_list values;
    va_start(values, format);
    fprintf(stderr, "test.c:%d: ", line);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
}

static void *allocate(size_t length) {
    void *memory = malloc(length > 0 ? length : 1);
    if (memory == NULL) abort();
    return memory;
}

// Encoding and decoding

struct bytes {
    uint8_t data[256];
    uint32_t length;
};

static void put(struct bytes *bytes, uint64_t number, size_t size) {
    if (bytes->length + size > sizeof bytes->data) abort();
    for (size_t i = 0; i < size; i++) bytes->data[bytes->length++] = (uint8_t)(number >> (8 * i));
}

static uint64_t number_at(const uint8_t *bytes, uint32_t length, uint32_t at, uint32_t size) {
    if (size > length || at > length - size) {
        check(false, __LINE__, "an effect of %" PRIu32 " bytes is too short", length);
        return 0;
    }
    uint64_t number = 0;
    for (uint32_t i = 0; i < size; i++) number |= (uint64_t)bytes[at + i] << (8 * i);
    return number;
}

// Recorded effects that have not been checked yet, one line each.

static char *effects[64];
static size_t effect_count, effect_next;

static void record(char *line) {
    if (effect_count == sizeof effects / sizeof *effects) abort();
    effects[effect_count++] = line;
}

void stateroom_send(const void *effect, uint32_t length) {
    const uint8_t *bytes = effect;
    uint32_t at = 0;
#define NEXT(size) (at += (size), number_at(bytes, length, at - (size), (size)))
    char *line = allocate((size_t)length + 100);
    uint64_t kind = NEXT(4);
    uint64_t list = 0;
    int head = 0;
    if (kind == 0) {
        static const char *const RECIPIENTS[] = {"all", "to", "not"};
        uint64_t recipient = NEXT(4);
        if (recipient > 2) abort();
        head = sprintf(line, "%s", RECIPIENTS[recipient]);
        if (recipient > 0) head += sprintf(line + head, " %" PRIu64, NEXT(4));
        head += sprintf(line + head, "%s", NEXT(4) == 1 ? ": " : " bytes: ");
        list = NEXT(8);
    } else if (kind == 1) {
        head = sprintf(line, "timer %" PRIu64, NEXT(4));
    } else if (kind == 2) {
        head = sprintf(line, "close %" PRIu64, NEXT(4));
        head += sprintf(line + head, " %" PRIu64 ": ", NEXT(2));
        list = NEXT(8);
    } else {
        check(false, __LINE__, "an effect of the kind %" PRIu64, kind);
    }
#undef NEXT
    check(list == length - at, __LINE__, "a list of %" PRIu64 " bytes where %" PRIu32 " are left", list, length - at);
    memcpy(line + head, bytes + at, length - at);
    line[(uint32_t)head + length - at] = '\0';
    record(line);
}

// Expects the next effect to equal a line, or to start with it.
static void expect_line(int line, const char *expected, bool whole) {
    const char *actual = effect_next < effect_count ? effects[effect_next++] : "nothing";
    bool ok = whole ? strcmp(actual, expected) == 0 : strncmp(actual, expected, strlen(expected)) == 0;
    check(ok, line, "expected \"%s\", received \"%s\"", expected, actual);
}
#define expect(expected) expect_line(__LINE__, expected, true)
#define expect_start(expected) expect_line(__LINE__, expected, false)

static void expect_no_more(int line) {
    while (effect_next < effect_count) check(false, line, "unexpected: \"%s\"", effects[effect_next++]);
    for (size_t i = 0; i < effect_count; i++) free(effects[i]);
    effect_count = effect_next = 0;
}
#define expect_nothing() expect_no_more(__LINE__)

// Events. Each is allocated with its exact length, so that the sanitizer detects reads beyond the end.

static void send_event(const void *event, uint32_t length) {
    void *memory = stateroom_malloc(length);
    if (memory == NULL) abort();
    memcpy(memory, event, length);
    stateroom_recv(memory, length);
    stateroom_free(memory, length);
}

static void send_kind(uint32_t kind, size_t numbers, uint32_t client) {
    struct bytes event = {.length = 0};
    put(&event, kind, 4);
    if (numbers > 0) put(&event, client, 4);
    send_event(event.data, event.length);
}

static void init(void) { send_kind(0, 0, 0); }
static void connect_client(uint32_t client) { send_kind(1, 1, client); }
static void disconnect_client(uint32_t client) { send_kind(2, 1, client); }
static void fire_timer(void) { send_kind(4, 0, 0); }

static void message(uint32_t sender, uint32_t payload, const void *bytes, size_t length) {
    struct bytes head = {.length = 0};
    put(&head, 3, 4);
    put(&head, sender, 4);
    put(&head, payload, 4);
    put(&head, length, 8);
    uint8_t *event = allocate(head.length + length);
    memcpy(event, head.data, head.length);
    if (length > 0) memcpy(event + head.length, bytes, length);
    send_event(event, (uint32_t)(head.length + length));
    free(event);
}

static void send_text(uint32_t sender, const char *text) {
    message(sender, 1, text, strlen(text));
}

// Returns whether the guest aborts. Runs it in a child process.
static bool ends_the_room(const void *event, uint32_t length, bool is_hello) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) _exit(1);
        uint8_t *memory = allocate(length);
        memcpy(memory, event, length);
        if (is_hello) stateroom_hello(memory, length);
        else stateroom_recv(memory, length);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) abort();
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static struct bytes hello_message(void) {
    struct bytes hello = {.length = 0};
    put(&hello, 4, 8);
    put(&hello, 0x61702d61, 4); // "a-pa"
    put(&hello, 6, 8); // more than the guest knows, like the effects below
    for (uint32_t event = 0; event < 6; event++) put(&hello, event, 4);
    put(&hello, 4, 8);
    for (uint32_t effect = 0; effect < 4; effect++) put(&hello, effect, 4);
    put(&hello, 0xfe, 1); // appended by a later version; ignored
    return hello;
}

// Tests. They run in order, on the same instance

static void host_without_handshake(void) {
    init();
    connect_client(7);
    expect("to 7: welcome, player 7");
    expect_start("to 7: commands: name NAME");
    expect("not 7: player 7 is here");
    send_text(7, "bye");
    expect("to 7: bye; please close the connection");
    expect_nothing();
    disconnect_client(7);
    expect("not 7: player 7 has left");
    expect_nothing();
}

static void handshake(void) {
    struct bytes hello = hello_message();
    for (uint32_t length = 0; length < hello.length - 1; length++) {
        check(ends_the_room(hello.data, length, true), __LINE__, "%" PRIu32 " bytes of a hello are accepted", length);
    }
    uint8_t *exact = allocate(hello.length);
    memcpy(exact, hello.data, hello.length);
    uint64_t answer = stateroom_hello(exact, hello.length);
    free(exact);
    uint32_t length = (uint32_t)answer;
    check(length == 8 + 5 * 4 + 8 + 4 * 4, __LINE__, "the handshake response has %" PRIu32 " bytes", length);
    expect_nothing();
}

static void connect_and_disconnect(void) {
    init();
    for (uint32_t client = 0; client < 20; client++) connect_client(client);
    check(effect_count == 60, __LINE__, "20 clients received %zu messages, not 60", effect_count);
    expect("to 0: welcome to room a-pa, player 0");
    effect_next = effect_count;
    expect_nothing();
    for (uint32_t client = 2; client < 20; client++) disconnect_client(client);
    expect("not 2: player 2 has left");
    effect_next = effect_count;
    expect_nothing();
    disconnect_client(2);
    send_text(2, "buzz");
    send_text(UINT32_MAX, "hello");
    expect_nothing(); // these clients are not connected
}

static void names(void) {
    send_text(0, "name Ann");
    expect("all: player 0 is now Ann");
    send_text(1, "name Günther");
    expect("all: player 1 is now Günther");
    send_text(1, "name ");
    expect("to 1: a name is one line of 1 to 32 bytes");
    send_text(1, "name two\nlines");
    expect("to 1: a name is one line of 1 to 32 bytes");
    send_text(1, "name 012345678901234567890123456789012");
    expect("to 1: a name is one line of 1 to 32 bytes");
    send_text(1, "name 01234567890123456789012345678901");
    expect("all: Günther is now 01234567890123456789012345678901");
    send_text(1, "name %s%n");
    expect("all: 01234567890123456789012345678901 is now %s%n");
    send_text(1, "name Bob");
    expect("all: %s%n is now Bob");
    expect_nothing();
}

static void messages(void) {
    send_text(0, "hello");
    expect("not 0: Ann: hello");
    send_text(0, "");
    expect_start("to 0: commands: name NAME");
    message(0, 0, NULL, 0);
    expect("not 0 bytes: ");
    message(0, 0, "\x01\xff", 2);
    expect("not 0 bytes: \x01\xff");
    message(0, 2, "?", 1); // a payload of a later version
    expect_nothing();

    size_t length = 1 << 20;
    char *large = allocate(length + 1);
    memset(large, 'x', length);
    large[length] = '\0';
    send_text(1, large);
    free(large);
    check(effect_count == 1 && strlen(effects[0]) == length + strlen("not 1: Bob: "), __LINE__,
          "a large text was altered");
    expect_start("not 1: Bob: xxx");
    expect_nothing();
}

static void round_with_winner(void) {
    send_text(0, "buzz");
    expect("to 0: send start first");
    send_text(0, "start");
    expect("all: Ann starts a round: get ready");
    unsigned wait = 0;
    check(effect_count > 2 && sscanf(effects[2], "timer %u", &wait) == 1 && wait >= 1000 && wait <= 4000, __LINE__,
          "the timer is set to %u ms, not to 1000 to 4000", wait);
    expect_start("timer ");
    send_text(1, "start");
    expect("to 1: the round is not over yet");
    send_text(1, "buzz");
    expect("all: Bob was too early");
    fire_timer();
    expect("all: GO!");
    expect("timer 5000");
    send_text(1, "buzz");
    expect("to 1: you are out of this round");
    send_text(0, "buzz");
    expect_start("all: Ann has it, after ");
    send_text(1, "scores");
    expect("to 1: 1 Ann");
    expect("to 1: 0 Bob");
    fire_timer();
    expect_nothing(); // the timer of the finished round
}

static void round_without_winner(void) {
    send_text(0, "start");
    expect_start("all: ");
    expect_start("timer ");
    fire_timer();
    expect("all: GO!");
    expect("timer 5000");
    fire_timer();
    expect("all: nobody has it");

    send_text(0, "start");
    expect_start("all: ");
    expect_start("timer ");
    send_text(0, "buzz");
    expect("all: Ann was too early");
    send_text(1, "buzz");
    expect("all: Bob was too early");
    fire_timer();
    expect("all: nobody has it");
    expect_nothing();
}

static void close_on_bye(void) {
    send_text(1, "bye");
    expect("close 1 1000: bye");
    disconnect_client(1);
    expect("not 1: Bob has left");
    expect_nothing();
}

static void invalid_events(void) {
    send_kind(5, 1, 0); // an event that the guest has not listed
    send_kind(UINT32_MAX, 0, 0);
    expect_nothing();

    struct bytes event = {.length = 0};
    put(&event, 3, 4);
    put(&event, 0, 4);
    put(&event, 1, 4);
    put(&event, 2, 8);
    put(&event, 0x6968, 2); // "hi"
    put(&event, 0x21, 1); // after the end
    send_event(event.data, event.length);
    expect("not 0: Ann: hi");
    for (uint32_t length = 0; length < event.length - 1; length++) {
        check(ends_the_room(event.data, length, false), __LINE__, "%" PRIu32 " bytes of an event are accepted", length);
    }
    memset(event.data + 12, 0xff, 8); // a list longer than any memory
    check(ends_the_room(event.data, event.length, false), __LINE__, "an oversized list is accepted");
    expect_nothing();
}

int main(void) {
    check(STATEROOM_API_VERSION == 1 && STATEROOM_API_PROTOCOL == 0, __LINE__, "expected version 1, protocol 0");
    host_without_handshake();
    handshake();
    connect_and_disconnect();
    names();
    messages();
    round_with_winner();
    round_without_winner();
    close_on_bye();
    invalid_events();
    if (failures > 0) {
        fprintf(stderr, "%d failed\n", failures);
        return EXIT_FAILURE;
    }
    puts("all tests passed");
    return EXIT_SUCCESS;
}
