#pragma once

#include <string>

#include "backends/opencl/api_types.h"

namespace sampan::opencl {

/// The functions of the OpenCL installable client driver loader. Those of OpenCL 1.2 are always
/// there; the others are null where the loader is older, and may only be called for a device
/// whose own version has them: the loader jumps through the driver's table without looking.
struct Api {
  // OpenCL 1.2 and before.
  cl::Int (*get_platform_ids)(cl::Uint room, cl::Platform* out, cl::Uint* out_count);
  cl::Int (*get_platform_info)(cl::Platform, cl::Uint name, std::size_t room, void* out,
                               std::size_t* out_bytes);
  cl::Int (*get_device_ids)(cl::Platform, cl::Bitfield type, cl::Uint room, cl::Device* out,
                            cl::Uint* out_count);
  cl::Int (*get_device_info)(cl::Device, cl::Uint name, std::size_t room, void* out,
                             std::size_t* out_bytes);
  void* (*get_extension_function_address_for_platform)(cl::Platform, const char* name);
  cl::Context (*create_context)(const cl::Property* properties, cl::Uint device_count,
                                const cl::Device* devices, cl::ContextNotify notify, void* user,
                                cl::Int* out_code);
  cl::Int (*release_context)(cl::Context);
  cl::Queue (*create_command_queue)(cl::Context, cl::Device, cl::Bitfield properties,
                                    cl::Int* out_code);
  cl::Int (*release_command_queue)(cl::Queue);
  cl::Int (*flush)(cl::Queue);
  cl::Int (*finish)(cl::Queue);

  cl::Mem (*create_buffer)(cl::Context, cl::Bitfield flags, std::size_t size_bytes, void* host,
                           cl::Int* out_code);
  cl::Mem (*create_sub_buffer)(cl::Mem, cl::Bitfield flags, cl::Uint type, const void* region,
                               cl::Int* out_code);
  cl::Int (*retain_mem_object)(cl::Mem);
  cl::Int (*release_mem_object)(cl::Mem);
  cl::Int (*enqueue_read_buffer)(cl::Queue, cl::Mem, cl::Bool blocking, std::size_t offset_bytes,
                                 std::size_t size_bytes, void* host, cl::Uint wait_count,
                                 const cl::Event* wait, cl::Event* out);
  cl::Int (*enqueue_write_buffer)(cl::Queue, cl::Mem, cl::Bool blocking, std::size_t offset_bytes,
                                  std::size_t size_bytes, const void* host, cl::Uint wait_count,
                                  const cl::Event* wait, cl::Event* out);
  cl::Int (*enqueue_copy_buffer)(cl::Queue, cl::Mem src, cl::Mem dst, std::size_t src_offset_bytes,
                                 std::size_t dst_offset_bytes, std::size_t size_bytes,
                                 cl::Uint wait_count, const cl::Event* wait, cl::Event* out);
  cl::Int (*enqueue_read_buffer_rect)(cl::Queue, cl::Mem, cl::Bool blocking,
                                      const std::size_t* buffer_origin,
                                      const std::size_t* host_origin, const std::size_t* region,
                                      std::size_t buffer_row_pitch, std::size_t buffer_slice_pitch,
                                      std::size_t host_row_pitch, std::size_t host_slice_pitch,
                                      void* host, cl::Uint wait_count, const cl::Event* wait,
                                      cl::Event* out);
  cl::Int (*enqueue_write_buffer_rect)(cl::Queue, cl::Mem, cl::Bool blocking,
                                       const std::size_t* buffer_origin,
                                       const std::size_t* host_origin, const std::size_t* region,
                                       std::size_t buffer_row_pitch, std::size_t buffer_slice_pitch,
                                       std::size_t host_row_pitch, std::size_t host_slice_pitch,
                                       const void* host, cl::Uint wait_count, const cl::Event* wait,
                                       cl::Event* out);
  cl::Int (*enqueue_copy_buffer_rect)(cl::Queue, cl::Mem src, cl::Mem dst,
                                      const std::size_t* src_origin, const std::size_t* dst_origin,
                                      const std::size_t* region, std::size_t src_row_pitch,
                                      std::size_t src_slice_pitch, std::size_t dst_row_pitch,
                                      std::size_t dst_slice_pitch, cl::Uint wait_count,
                                      const cl::Event* wait, cl::Event* out);
  cl::Int (*enqueue_fill_buffer)(cl::Queue, cl::Mem, const void* pattern, std::size_t pattern_bytes,
                                 std::size_t offset_bytes, std::size_t size_bytes,
                                 cl::Uint wait_count, const cl::Event* wait, cl::Event* out);
  void* (*enqueue_map_buffer)(cl::Queue, cl::Mem, cl::Bool blocking, cl::Bitfield flags,
                              std::size_t offset_bytes, std::size_t size_bytes, cl::Uint wait_count,
                              const cl::Event* wait, cl::Event* out, cl::Int* out_code);
  cl::Int (*enqueue_unmap_mem_object)(cl::Queue, cl::Mem, void* mapped, cl::Uint wait_count,
                                      const cl::Event* wait, cl::Event* out);

  cl::Program (*create_program_with_source)(cl::Context, cl::Uint count, const char** texts,
                                            const std::size_t* text_bytes, cl::Int* out_code);
  cl::Program (*create_program_with_binary)(cl::Context, cl::Uint device_count,
                                            const cl::Device* devices,
                                            const std::size_t* binary_bytes,
                                            const unsigned char** binaries,
                                            cl::Int* out_binary_codes, cl::Int* out_code);
  cl::Int (*release_program)(cl::Program);
  cl::Int (*build_program)(cl::Program, cl::Uint device_count, const cl::Device* devices,
                           const char* options, cl::ProgramNotify notify, void* user);
  cl::Int (*get_program_info)(cl::Program, cl::Uint name, std::size_t room, void* out,
                              std::size_t* out_bytes);
  cl::Int (*get_program_build_info)(cl::Program, cl::Device, cl::Uint name, std::size_t room,
                                    void* out, std::size_t* out_bytes);
  cl::Kernel (*create_kernel)(cl::Program, const char* name, cl::Int* out_code);
  cl::Int (*release_kernel)(cl::Kernel);
  cl::Int (*set_kernel_arg)(cl::Kernel, cl::Uint index, std::size_t size_bytes, const void* value);
  cl::Int (*get_kernel_info)(cl::Kernel, cl::Uint name, std::size_t room, void* out,
                             std::size_t* out_bytes);
  cl::Int (*get_kernel_work_group_info)(cl::Kernel, cl::Device, cl::Uint name, std::size_t room,
                                        void* out, std::size_t* out_bytes);
  cl::Int (*enqueue_nd_range_kernel)(cl::Queue, cl::Kernel, cl::Uint dimensions,
                                     const std::size_t* global_offset, const std::size_t* global,
                                     const std::size_t* local, cl::Uint wait_count,
                                     const cl::Event* wait, cl::Event* out);

  cl::Int (*enqueue_marker_with_wait_list)(cl::Queue, cl::Uint wait_count, const cl::Event* wait,
                                           cl::Event* out);
  cl::Int (*enqueue_barrier_with_wait_list)(cl::Queue, cl::Uint wait_count, const cl::Event* wait,
                                            cl::Event* out);
  cl::Int (*wait_for_events)(cl::Uint count, const cl::Event* events);
  cl::Event (*create_user_event)(cl::Context, cl::Int* out_code);
  cl::Int (*set_user_event_status)(cl::Event, cl::Int status);
  cl::Int (*release_event)(cl::Event);
  cl::Int (*get_event_info)(cl::Event, cl::Uint name, std::size_t room, void* out,
                            std::size_t* out_bytes);
  cl::Int (*get_event_profiling_info)(cl::Event, cl::Uint name, std::size_t room, void* out,
                                      std::size_t* out_bytes);

  // OpenCL 2.0.
  cl::Queue (*create_command_queue_with_properties)(cl::Context, cl::Device,
                                                    const cl::Property* properties,
                                                    cl::Int* out_code);
  void* (*svm_alloc)(cl::Context, cl::Bitfield flags, std::size_t size_bytes, cl::Uint alignment);
  void (*svm_free)(cl::Context, void* pointer);
  cl::Int (*set_kernel_arg_svm_pointer)(cl::Kernel, cl::Uint index, const void* pointer);
  cl::Int (*enqueue_svm_memcpy)(cl::Queue, cl::Bool blocking, void* dst, const void* src,
                                std::size_t size_bytes, cl::Uint wait_count, const cl::Event* wait,
                                cl::Event* out);
  cl::Int (*enqueue_svm_mem_fill)(cl::Queue, void* dst, const void* pattern,
                                  std::size_t pattern_bytes, std::size_t size_bytes,
                                  cl::Uint wait_count, const cl::Event* wait, cl::Event* out);

  // OpenCL 2.1.
  cl::Int (*get_device_and_host_timer)(cl::Device, cl::Ulong* out_device_ns,
                                       cl::Ulong* out_host_ns);
  cl::Program (*create_program_with_il)(cl::Context, const void* il, std::size_t il_bytes,
                                        cl::Int* out_code);
};

/// Functions of extensions, asked for per platform; null where the platform lacks them.
struct ExtensionApi {
  // cl_intel_unified_shared_memory.
  void* (*host_mem_alloc)(cl::Context, const cl::Property* properties, std::size_t size_bytes,
                          cl::Uint alignment, cl::Int* out_code);
  void* (*device_mem_alloc)(cl::Context, cl::Device, const cl::Property* properties,
                            std::size_t size_bytes, cl::Uint alignment, cl::Int* out_code);
  cl::Int (*mem_blocking_free)(cl::Context, void* pointer);
  cl::Int (*set_kernel_arg_mem_pointer)(cl::Kernel, cl::Uint index, const void* pointer);
  cl::Int (*enqueue_memcpy)(cl::Queue, cl::Bool blocking, void* dst, const void* src,
                            std::size_t size_bytes, cl::Uint wait_count, const cl::Event* wait,
                            cl::Event* out);
  cl::Int (*enqueue_mem_fill)(cl::Queue, void* dst, const void* pattern, std::size_t pattern_bytes,
                              std::size_t size_bytes, cl::Uint wait_count, const cl::Event* wait,
                              cl::Event* out);

  // cl_khr_il_program.
  cl::Program (*create_program_with_il)(cl::Context, const void* il, std::size_t il_bytes,
                                        cl::Int* out_code);

  // cl_khr_command_buffer 0.9.0 to 0.9.4; later versions take one parameter more in copy and fill.
  cl::CommandBuffer (*create_command_buffer)(cl::Uint queue_count, const cl::Queue* queues,
                                             const cl::Property* properties, cl::Int* out_code);
  cl::Int (*finalize_command_buffer)(cl::CommandBuffer);
  cl::Int (*release_command_buffer)(cl::CommandBuffer);
  cl::Int (*enqueue_command_buffer)(cl::Uint queue_count, cl::Queue* queues, cl::CommandBuffer,
                                    cl::Uint wait_count, const cl::Event* wait, cl::Event* out);
  cl::Int (*command_copy_buffer)(cl::CommandBuffer, cl::Queue, cl::Mem src, cl::Mem dst,
                                 std::size_t src_offset_bytes, std::size_t dst_offset_bytes,
                                 std::size_t size_bytes, cl::Uint wait_count,
                                 const cl::SyncPoint* wait, cl::SyncPoint* out, void** out_handle);
  cl::Int (*command_fill_buffer)(cl::CommandBuffer, cl::Queue, cl::Mem, const void* pattern,
                                 std::size_t pattern_bytes, std::size_t offset_bytes,
                                 std::size_t size_bytes, cl::Uint wait_count,
                                 const cl::SyncPoint* wait, cl::SyncPoint* out, void** out_handle);
  cl::Int (*command_nd_range_kernel)(cl::CommandBuffer, cl::Queue, const cl::Property* properties,
                                     cl::Kernel, cl::Uint dimensions,
                                     const std::size_t* global_offset, const std::size_t* global,
                                     const std::size_t* local, cl::Uint wait_count,
                                     const cl::SyncPoint* wait, cl::SyncPoint* out,
                                     void** out_handle);
};

/// The loader library and its functions.
struct Loader {
  Api api{};
  std::string path;   ///< of the file opened; empty if none could be
  std::string error;  ///< then why, in one sentence
};

/// Opens libOpenCL.so.1, or the absolute path in SAMPAN_OPENCL_LIBRARY, at the first call. The
/// library is never closed and the result lives as long as the process. Free-threaded.
[[nodiscard]] const Loader& loader();

/// The functions alone. Only where `loader().error` is empty.
[[nodiscard]] const Api& api();

/// The extension functions of `platform`. Functions of an extension that the device does not list
/// may be there all the same and must not be called.
[[nodiscard]] ExtensionApi extension_api(cl::Platform platform);

}  // namespace sampan::opencl
