// Implements the functions of stateroom.h with Stateroom's guest interface, which is documented in the README of
// stateroom-wasm-host. It is independent of the service, and can be used unchanged with another one.

#include "stateroom.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __wasm__
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))
#else // in native tests, the test is the host
#define IMPORT(name)
#define EXPORT(name)
#endif

// Imports and exports. The export attribute applies to functions only; the Makefile exports these two variables with
// linker flags.

extern const uint32_t STATEROOM_API_VERSION;
extern const uint32_t STATEROOM_API_PROTOCOL;
const uint32_t STATEROOM_API_VERSION = 1;
const uint32_t STATEROOM_API_PROTOCOL = 0;

IMPORT(stateroom_send) void stateroom_send(const void *effect, uint32_t length);
EXPORT(stateroom_malloc) void *stateroom_malloc(uint32_t length);
EXPORT(stateroom_free) void stateroom_free(void *address, uint32_t length);
EXPORT(stateroom_recv) void stateroom_recv(const void *event, uint32_t length);
EXPORT(stateroom_hello) uint64_t stateroom_hello(const void *hello, uint32_t length);

// The kinds listed in the handshake response. The host sends no others, so there are no calls or requests.
enum event { EVENT_INIT, EVENT_CONNECT, EVENT_DISCONNECT, EVENT_MESSAGE, EVENT_TIMER, EVENTS };
enum effect { EFFECT_MESSAGE, EFFECT_SET_TIMER, EFFECT_CLOSE_CLIENT, EFFECT_END_ROOM = 5 };
static const uint32_t supported_effects[] = {EFFECT_MESSAGE, EFFECT_SET_TIMER, EFFECT_CLOSE_CLIENT, EFFECT_END_ROOM};
#define EFFECTS (sizeof supported_effects / sizeof supported_effects[0])
enum recipient { TO_EVERYBODY, TO_ONE, TO_ALL_BUT_ONE };
enum payload { PAYLOAD_BYTES, PAYLOAD_TEXT };

// Set by the handshake.
static char *room_id;
static bool can_close;
static bool can_end;

_Noreturn void stateroom_fail(const char *reason) {
    fprintf(stderr, "%s\n", reason);
    abort();
}

static void *allocate(size_t length) {
    void *memory = malloc(length > 0 ? length : 1);
    if (memory == NULL) stateroom_fail("out of memory");
    return memory;
}

// Reading. Missing bytes read as zero, and set `truncated`.

struct reader {
    const uint8_t *at;
    size_t left;
    bool truncated;
};

// Returns the next `length` bytes, or a null pointer if fewer are left.
static const uint8_t *take(struct reader *reader, uint64_t length) {
    if (length > reader->left) {
        reader->left = 0;
        reader->truncated = true;
        return NULL;
    }
    const uint8_t *start = reader->at;
    reader->at += length;
    reader->left -= (size_t)length;
    return start;
}

static uint64_t take_number(struct reader *reader, size_t size) {
    const uint8_t *bytes = take(reader, size);
    uint64_t number = 0;
    for (size_t i = 0; bytes != NULL && i < size; i++) number |= (uint64_t)bytes[i] << (8 * i);
    return number;
}

static uint32_t take_u32(struct reader *reader) {
    return (uint32_t)take_number(reader, 4);
}

static uint64_t take_u64(struct reader *reader) {
    return take_number(reader, 8);
}

// Writing. The caller has allocated enough space.

static uint8_t *put_number(uint8_t *at, uint64_t number, size_t size) {
    for (size_t i = 0; i < size; i++) *at++ = (uint8_t)(number >> (8 * i));
    return at;
}

static uint8_t *put_u16(uint8_t *at, uint16_t number) {
    return put_number(at, number, 2);
}

static uint8_t *put_u32(uint8_t *at, uint32_t number) {
    return put_number(at, number, 4);
}

static uint8_t *put_list(uint8_t *at, const void *bytes, size_t length) {
    at = put_number(at, length, 8);
    if (length > 0) memcpy(at, bytes, length);
    return at + length;
}

// Allocates an effect: a header of this length, and a list of bytes.
static uint8_t *allocate_effect(size_t header, size_t list) {
    if (list > UINT32_MAX - header - 8) stateroom_fail("message too long");
    return allocate(header + 8 + list);
}

// Sends `effect`, up to `end`, to the host and frees it.
static void send_effect(uint8_t *effect, const uint8_t *end) {
    stateroom_send(effect, (uint32_t)(end - effect));
    free(effect);
}

// Effects

struct stateroom_recipient stateroom_everyone(void) {
    return (struct stateroom_recipient){TO_EVERYBODY, 0};
}

struct stateroom_recipient stateroom_only(uint32_t client) {
    return (struct stateroom_recipient){TO_ONE, client};
}

struct stateroom_recipient stateroom_all_but(uint32_t client) {
    return (struct stateroom_recipient){TO_ALL_BUT_ONE, client};
}

static void send_message(struct stateroom_recipient to, enum payload kind, const void *bytes, size_t length) {
    uint8_t *effect = allocate_effect(4 + 8 + 4, length);
    uint8_t *at = put_u32(effect, EFFECT_MESSAGE);
    at = put_u32(at, to.kind);
    if (to.kind != TO_EVERYBODY) at = put_u32(at, to.client);
    at = put_u32(at, kind);
    send_effect(effect, put_list(at, bytes, length));
}

void stateroom_send_text(struct stateroom_recipient to, const char *text, size_t length) {
    send_message(to, PAYLOAD_TEXT, text, length);
}

void stateroom_send_bytes(struct stateroom_recipient to, const void *bytes, size_t length) {
    send_message(to, PAYLOAD_BYTES, bytes, length);
}

void stateroom_send_format(struct stateroom_recipient to, const char *format, ...) {
    va_list values, again;
    va_start(values, format);
    va_copy(again, values);
    int length = vsnprintf(NULL, 0, format, values);
    va_end(values);
    if (length < 0) stateroom_fail("invalid format string");
    char *text = allocate((size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    stateroom_send_text(to, text, (size_t)length);
    free(text);
}

void stateroom_set_timer(uint32_t milliseconds) {
    uint8_t *effect = allocate_effect(4 + 4, 0);
    send_effect(effect, put_u32(put_u32(effect, EFFECT_SET_TIMER), milliseconds));
}

bool stateroom_close_client(uint32_t client, uint16_t code, const char *reason) {
    if (!can_close) return false;
    size_t length = strlen(reason);
    uint8_t *effect = allocate_effect(4 + 4 + 2, length);
    uint8_t *at = put_u32(effect, EFFECT_CLOSE_CLIENT);
    at = put_u32(at, client);
    at = put_u16(at, code);
    send_effect(effect, put_list(at, reason, length));
    return true;
}

bool stateroom_end_room(void) {
    if (!can_end) return false;
    uint8_t *effect = allocate_effect(4, 0);
    send_effect(effect, put_u32(effect, EFFECT_END_ROOM));
    return true;
}

const char *stateroom_room_id(void) {
    return room_id != NULL ? room_id : "";
}

// Exports

void *stateroom_malloc(uint32_t length) {
    return malloc(length > 0 ? length : 1);
}

void stateroom_free(void *address, uint32_t length) {
    (void)length;
    free(address);
}

void stateroom_recv(const void *event, uint32_t length) {
    struct reader reader = {event, length, false};
    uint32_t kind = take_u32(&reader);
    bool has_client = kind == EVENT_CONNECT || kind == EVENT_DISCONNECT || kind == EVENT_MESSAGE;
    uint32_t client = has_client ? take_u32(&reader) : 0;
    uint32_t payload = 0;
    uint64_t size = 0;
    const uint8_t *bytes = NULL;
    if (kind == EVENT_MESSAGE) {
        payload = take_u32(&reader);
        size = take_u64(&reader);
        bytes = take(&reader, size);
    }
    if (reader.truncated) stateroom_fail("truncated event");

    switch (kind) {
    case EVENT_INIT: on_init(); break;
    case EVENT_CONNECT: on_connect(client); break;
    case EVENT_DISCONNECT: on_disconnect(client); break;
    case EVENT_MESSAGE:
        if (payload == PAYLOAD_TEXT) on_text(client, (const char *)bytes, (size_t)size);
        if (payload == PAYLOAD_BYTES) on_bytes(client, bytes, (size_t)size);
        break;
    case EVENT_TIMER: on_timer(); break;
    default: break; // from a newer host
    }
}

// Stores the contents of the hello, and responds with the supported events and effects.
uint64_t stateroom_hello(const void *hello, uint32_t length) {
    struct reader reader = {hello, length, false};
    uint64_t size = take_u64(&reader);
    const uint8_t *id = take(&reader, size);
    if (id != NULL) {
        room_id = allocate((size_t)size + 1);
        memcpy(room_id, id, (size_t)size);
        room_id[size] = '\0';
    }
    for (uint64_t events = take_u64(&reader); events > 0 && !reader.truncated; events--) take_u32(&reader);
    for (uint64_t effects = take_u64(&reader); effects > 0 && !reader.truncated; effects--) {
        uint32_t effect = take_u32(&reader);
        if (!reader.truncated && effect == EFFECT_CLOSE_CLIENT) can_close = true;
        if (!reader.truncated && effect == EFFECT_END_ROOM) can_end = true;
    }
    if (reader.truncated) stateroom_fail("truncated hello");

    static uint8_t response[8 + 4 * EVENTS + 8 + 4 * EFFECTS];
    uint8_t *at = put_number(response, EVENTS, 8);
    for (uint32_t event = 0; event < EVENTS; event++) at = put_u32(at, event);
    at = put_number(at, EFFECTS, 8);
    for (size_t i = 0; i < EFFECTS; i++) at = put_u32(at, supported_effects[i]);
    return (uint64_t)(uintptr_t)response << 32 | sizeof response;
}
