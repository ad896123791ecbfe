/* A plug-in with one device and the device group alone, in C11. CMakeLists.txt compiles it once for
 * each way in which a plug-in can differ or be wrong; the macros below say how. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampan/plugin/backend.h"
#include "variant.h"

#ifndef VARIANT_NAME
#define VARIANT_NAME "variant"
#endif
#ifndef VARIANT_MAJOR
#define VARIANT_MAJOR SAMPAN_ABI_MAJOR
#endif
#ifndef VARIANT_MINOR
#define VARIANT_MINOR SAMPAN_ABI_MINOR
#endif
#ifndef VARIANT_CAPABILITIES
#define VARIANT_CAPABILITIES 0
#endif
#ifndef VARIANT_DEVICE_BYTES /* what the table says its size is */
#define VARIANT_DEVICE_BYTES sizeof(table)
#endif
#ifndef VARIANT_QUERY_CODE
#define VARIANT_QUERY_CODE SAMPAN_OK
#endif
#ifndef VARIANT_COUNT_CODE
#define VARIANT_COUNT_CODE SAMPAN_OK
#endif
#ifndef VARIANT_CONSTRUCTOR
#define VARIANT_CONSTRUCTOR VARIANT_BEHAVES
#endif
#ifndef VARIANT_QUERY
#define VARIANT_QUERY VARIANT_BEHAVES
#endif
#ifndef VARIANT_EXPORT
#define VARIANT_EXPORT sampan_backend_query
#endif

static sampan_code_t fail(sampan_error_t* error, sampan_code_t code, const char* message) {
  error->code = code;
  snprintf(error->message, sizeof(error->message), "%s", message);
  return code;
}

static sampan_code_t count(uint32_t* out_count, sampan_error_t* error) {
  if (VARIANT_COUNT_CODE != SAMPAN_OK) {
    return fail(error, VARIANT_COUNT_CODE, "no acme card is plugged in");
  }
  *out_count = 1;
  return SAMPAN_OK;
}

static sampan_code_t describe(uint32_t ordinal, sampan_device_info_t* out, sampan_error_t* error) {
  const uint32_t size = out->size;
  (void)ordinal;
  (void)error;
  memset(out, 0, size);
  out->size = size;
  out->kind = SAMPAN_DEVICE_ACCELERATOR;
  out->emulated = 1;
  snprintf(out->name, sizeof(out->name), "Variant");
  return SAMPAN_OK;
}

static sampan_code_t open_device(uint32_t ordinal, sampan_device_t** out, sampan_error_t* error) {
  (void)ordinal;
  (void)out;
  return fail(error, SAMPAN_UNSUPPORTED, "this plug-in is only there to be loaded");
}

static void close_device(sampan_device_t* device) { (void)device; }

static sampan_code_t memory_info(sampan_device_t* device, uint64_t* out_free_bytes,
                                 uint64_t* out_total_bytes, sampan_error_t* error) {
  (void)device;
  (void)out_free_bytes;
  (void)out_total_bytes;
  return fail(error, SAMPAN_UNSUPPORTED, "no memory");
}

#ifndef VARIANT_WITHOUT_STATUS
static sampan_code_t status(sampan_device_t* device, sampan_error_t* error) {
  (void)device;
  (void)error;
  return SAMPAN_OK;
}
#else
#define status NULL
#endif

static sampan_code_t native(sampan_device_t* device, void** out, sampan_error_t* error) {
  (void)device;
  (void)out;
  return fail(error, SAMPAN_UNSUPPORTED, "no handle");
}

static sampan_code_t clocks(sampan_device_t* device, uint64_t* out_host_ns, uint64_t* out_device_ns,
                            sampan_error_t* error) {
  (void)device;
  (void)out_host_ns;
  (void)out_device_ns;
  return fail(error, SAMPAN_UNSUPPORTED, "no clock");
}

#ifdef VARIANT_LONGER
/* What a table of a later minor looks like: functions that the host has never heard of. */
struct longer_device_table {
  sampan_device_table_t known;
  void (*later[3])(void);
};
static void later(void) { abort(); }
static const struct longer_device_table table = {
    {sizeof(struct longer_device_table), 0, count, describe, open_device, close_device, memory_info,
     status, native, clocks},
    {later, later, later}};
#else
static const sampan_device_table_t table = {
    VARIANT_DEVICE_BYTES, 0,           count,  describe, open_device,
    close_device,         memory_info, status, native,   clocks};
#endif

__attribute__((constructor)) static void when_opened(void) { variant_do(VARIANT_CONSTRUCTOR); }

SAMPAN_PLUGIN_EXPORT sampan_code_t VARIANT_EXPORT(const sampan_host_t* host, sampan_backend_t* out,
                                                  sampan_error_t* error);
sampan_code_t VARIANT_EXPORT(const sampan_host_t* host, sampan_backend_t* out,
                             sampan_error_t* error) {
  (void)host;
  variant_do(VARIANT_QUERY);
  if (VARIANT_QUERY_CODE != SAMPAN_OK) {
    return fail(error, VARIANT_QUERY_CODE, "the acme driver is not on this machine");
  }
  out->abi_major = VARIANT_MAJOR;
  out->abi_minor = VARIANT_MINOR;
  out->name = VARIANT_NAME;
  out->version = "1.0";
  out->build_id = "variant";
  out->capabilities = VARIANT_CAPABILITIES;
#ifndef VARIANT_WITHOUT_DEVICE_TABLE
  out->device = (const sampan_device_table_t*)&table;
#endif
  return SAMPAN_OK;
}
