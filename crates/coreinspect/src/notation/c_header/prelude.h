/* What headers of the C library on Linux declare that structs are made of; a header may declare it again.
   From glibc 2.36: posix/bits/types.h, sysdeps/unix/sysv/linux/bits/typesizes.h, nptl bits/pthreadtypes-arch.h,
   sysdeps/nptl/bits/pthreadtypes.h; stddef.h and limits.h of GCC; linux/types.h. */
#define __STDC__ 1
#define __STDC_VERSION__ 201710L
#define __GNUC__ 12
#define __GNUC_MINOR__ 2
#define __linux__ 1
#define __linux 1
#define linux 1
#define __unix__ 1
#define __ELF__ 1
#define __CHAR_BIT__ 8
#define __SIZEOF_SHORT__ 2
#define __SIZEOF_INT__ 4
#define __SIZEOF_LONG_LONG__ 8
#define __SIZEOF_FLOAT__ 4
#define __SIZEOF_DOUBLE__ 8
#define __SIZEOF_WCHAR_T__ 4
#define __ORDER_LITTLE_ENDIAN__ 1234
#define __ORDER_BIG_ENDIAN__ 4321
#define __ORDER_PDP_ENDIAN__ 3412
#define __LITTLE_ENDIAN 1234
#define __BIG_ENDIAN 4321
#define LITTLE_ENDIAN 1234
#define BIG_ENDIAN 4321
#define BYTE_ORDER __BYTE_ORDER__
#define CHAR_BIT 8
#define SCHAR_MAX 127
#define UCHAR_MAX 255
#define SHRT_MAX 32767
#define USHRT_MAX 65535
#define INT_MAX 2147483647
#define INT_MIN (-INT_MAX - 1)
#define UINT_MAX 4294967295U
#define INT8_MAX 127
#define INT16_MAX 32767
#define INT32_MAX 2147483647
#define INT64_MAX 9223372036854775807LL
#define UINT8_MAX 255
#define UINT16_MAX 65535
#define UINT32_MAX 4294967295U
#define UINT64_MAX 18446744073709551615ULL
#if __SIZEOF_LONG__ == 8
#define LONG_MAX 9223372036854775807L
#define ULONG_MAX 18446744073709551615UL
#else
#define LONG_MAX 2147483647L
#define ULONG_MAX 4294967295UL
#endif
#define SIZE_MAX ULONG_MAX
#define LLONG_MAX INT64_MAX
#define ULLONG_MAX UINT64_MAX
#define PATH_MAX 4096
#define NAME_MAX 255
#define HOST_NAME_MAX 64
#define IOV_MAX 1024
#define PIPE_BUF 4096
#define BUFSIZ 8192
#define FILENAME_MAX 4096
#define MAXPATHLEN 4096
#define FD_SETSIZE 1024
#define NSIG 65
#define INET_ADDRSTRLEN 16
#define INET6_ADDRSTRLEN 46
#define NULL ((void *)0)
#define __BEGIN_DECLS
#define __END_DECLS
#define INT64_C(number) number ## LL
#define UINT64_C(number) number ## ULL
#define INT32_C(number) number
#define UINT32_C(number) number ## U

typedef _Bool bool;
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
#if __SIZEOF_LONG__ == 8
typedef long int64_t;
typedef unsigned long uint64_t;
typedef long intmax_t;
typedef unsigned long uintmax_t;
#else
typedef long long int64_t;
typedef unsigned long long uint64_t;
typedef long long intmax_t;
typedef unsigned long long uintmax_t;
#endif
typedef int8_t int_least8_t;
typedef uint8_t uint_least8_t;
typedef int16_t int_least16_t;
typedef uint16_t uint_least16_t;
typedef int32_t int_least32_t;
typedef uint32_t uint_least32_t;
typedef int64_t int_least64_t;
typedef uint64_t uint_least64_t;
typedef signed char int_fast8_t;
typedef unsigned char uint_fast8_t;
typedef long int_fast16_t;
typedef unsigned long uint_fast16_t;
typedef long int_fast32_t;
typedef unsigned long uint_fast32_t;
typedef int64_t int_fast64_t;
typedef uint64_t uint_fast64_t;
typedef long intptr_t;
typedef unsigned long uintptr_t;
typedef long ptrdiff_t;
typedef unsigned long size_t;
typedef long ssize_t;
#ifdef __WCHAR_UNSIGNED__
typedef unsigned int wchar_t;
#else
typedef int wchar_t;
#endif
typedef unsigned int wint_t;
typedef uint16_t char16_t;
typedef uint32_t char32_t;
typedef unsigned char char8_t;
#if defined __x86_64__ && defined __LP64__
typedef __opaque(24, 8) __builtin_va_list;
#elif defined __x86_64__
typedef __opaque(16, 4) __builtin_va_list;
#elif (defined __aarch64__ || defined __s390x__) && defined __LP64__
typedef __opaque(32, 8) __builtin_va_list;
#elif defined __powerpc__ && !defined __LP64__
typedef __opaque(12, 4) __builtin_va_list;
#elif defined __alpha__
typedef __opaque(16, 8) __builtin_va_list;
#else
typedef void *__builtin_va_list;
#endif
typedef __builtin_va_list va_list;
typedef struct {
	long long __max_align_ll __attribute__((aligned(__alignof__(long long))));
	long double __max_align_ld __attribute__((aligned(__alignof__(long double))));
#ifdef __i386__
	__float128 __max_align_f128 __attribute__((aligned(__alignof__(__float128))));
#endif
} max_align_t;

typedef unsigned char u_int8_t;
typedef unsigned short u_int16_t;
typedef unsigned int u_int32_t;
typedef uint64_t u_int64_t;
typedef unsigned char u_char;
typedef unsigned short u_short;
typedef unsigned int u_int;
typedef unsigned long u_long;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef int64_t quad_t;
typedef uint64_t u_quad_t;
typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u16 __le16;
typedef __u32 __le32;
typedef __u64 __le64;

typedef int pid_t;
typedef int key_t;
typedef unsigned int uid_t;
typedef unsigned int gid_t;
typedef unsigned int id_t;
typedef unsigned int mode_t;
typedef uint64_t dev_t;
typedef int clockid_t;
typedef void *timer_t;
typedef unsigned int useconds_t;
typedef int64_t loff_t;
typedef int64_t off64_t;
typedef uint64_t ino64_t;
typedef char *caddr_t;
typedef unsigned int socklen_t;
typedef unsigned short sa_family_t;
typedef uint32_t in_addr_t;
typedef uint16_t in_port_t;
typedef int sig_atomic_t;
#if __SIZEOF_TIME__ == 8 && __SIZEOF_LONG__ == 4
typedef int64_t time_t;
typedef int64_t suseconds_t;
typedef int64_t clock_t;
typedef int64_t off_t;
typedef uint64_t ino_t;
typedef uint64_t nlink_t;
typedef int64_t blksize_t;
typedef int64_t blkcnt_t;
#else
typedef long time_t;
typedef long suseconds_t;
typedef long clock_t;
typedef long off_t;
typedef unsigned long ino_t;
typedef long blksize_t;
typedef long blkcnt_t;
#if __SIZEOF_LONG__ == 8 && !defined __x86_64__ && !defined __s390x__ && !defined __powerpc64__
typedef unsigned int nlink_t;
#else
typedef unsigned long nlink_t;
#endif
#endif
struct timeval { time_t tv_sec; suseconds_t tv_usec; };
#if __SIZEOF_TIME__ == 8 && defined __x86_64__
struct timespec { time_t tv_sec; int64_t tv_nsec; };
#elif __SIZEOF_TIME__ == 8 && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ && __SIZEOF_LONG__ == 4
struct timespec { time_t tv_sec; int : 32; long tv_nsec; };
#elif __SIZEOF_TIME__ == 8 && __SIZEOF_LONG__ == 4
struct timespec { time_t tv_sec; long tv_nsec; int : 32; };
#else
struct timespec { time_t tv_sec; long tv_nsec; };
#endif
struct itimerval { struct timeval it_interval, it_value; };
struct itimerspec { struct timespec it_interval, it_value; };
struct timezone { int tz_minuteswest, tz_dsttime; };
struct tm { int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst; long tm_gmtoff; char *tm_zone; };
struct iovec { void *iov_base; size_t iov_len; };
struct in_addr { in_addr_t s_addr; };
struct in6_addr { uint8_t s6_addr[16] __attribute__((aligned(4))); };
struct sockaddr { sa_family_t sa_family; unsigned char sa_data[14]; };
struct sockaddr_in { sa_family_t sin_family; __be16 sin_port; struct in_addr sin_addr; unsigned char sin_zero[8]; };
struct sockaddr_in6 { sa_family_t sin6_family; __be16 sin6_port; uint32_t sin6_flowinfo; struct in6_addr sin6_addr; uint32_t sin6_scope_id; };
struct sockaddr_un { sa_family_t sun_family; char sun_path[108]; };
struct sockaddr_storage { sa_family_t ss_family; unsigned char __ss_padding[126 - sizeof(unsigned long)]; unsigned long __ss_align; };
typedef struct { unsigned long __bits[FD_SETSIZE / (8 * sizeof(long))]; } fd_set;
typedef struct { unsigned long __bits[1024 / (8 * sizeof(long))]; } sigset_t;

typedef unsigned long pthread_t;
typedef unsigned int pthread_key_t;
typedef int pthread_once_t;
typedef __opaque(__SIZEOF_MUTEX__, __SIZEOF_LONG__) pthread_mutex_t;
typedef __opaque(48, _Alignof(long long)) pthread_cond_t;
#if defined __aarch64__ && defined __LP64__
typedef __opaque(8, 4) pthread_mutexattr_t;
typedef __opaque(8, 4) pthread_condattr_t;
typedef __opaque(64, 8) pthread_attr_t;
#else
typedef __opaque(4, 4) pthread_mutexattr_t;
typedef __opaque(4, 4) pthread_condattr_t;
#if __SIZEOF_LONG__ == 8
typedef __opaque(56, 8) pthread_attr_t;
#elif defined __x86_64__
typedef __opaque(32, 4) pthread_attr_t;
#else
typedef __opaque(36, 4) pthread_attr_t;
#endif
#endif
typedef __opaque(8, __SIZEOF_LONG__) pthread_rwlockattr_t;
typedef __opaque(4, 4) pthread_barrierattr_t;
#if __SIZEOF_LONG__ == 8
typedef __opaque(56, 8) pthread_rwlock_t;
typedef __opaque(32, 8) pthread_barrier_t;
typedef __opaque(32, 8) sem_t;
#else
#ifdef __x86_64__
typedef __opaque(44, 4) pthread_rwlock_t;
#else
typedef __opaque(32, 4) pthread_rwlock_t;
#endif
typedef __opaque(20, 4) pthread_barrier_t;
typedef __opaque(16, 4) sem_t;
#endif
typedef volatile int pthread_spinlock_t;
typedef struct _IO_FILE FILE;

typedef _Atomic bool atomic_bool;
typedef _Atomic char atomic_char;
typedef _Atomic signed char atomic_schar;
typedef _Atomic unsigned char atomic_uchar;
typedef _Atomic short atomic_short;
typedef _Atomic unsigned short atomic_ushort;
typedef _Atomic int atomic_int;
typedef _Atomic unsigned int atomic_uint;
typedef _Atomic long atomic_long;
typedef _Atomic unsigned long atomic_ulong;
typedef _Atomic long long atomic_llong;
typedef _Atomic unsigned long long atomic_ullong;
typedef _Atomic size_t atomic_size_t;
typedef _Atomic ptrdiff_t atomic_ptrdiff_t;
typedef _Atomic intptr_t atomic_intptr_t;
typedef _Atomic uintptr_t atomic_uintptr_t;
typedef _Atomic int64_t atomic_int_least64_t;
typedef _Atomic uint64_t atomic_uint_least64_t;
typedef _Atomic uint32_t atomic_uint_least32_t;
typedef struct { unsigned char __value; } atomic_flag;
