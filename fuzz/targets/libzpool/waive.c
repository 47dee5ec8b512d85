/*
 * A libspl_assertf() that stands before libzpool's own: a failed assertion in one of the functions of a list is passed
 * over, as in a build without assertions, and all others fail as they do. Must be loaded before libzpool is, with
 * RTLD_GLOBAL.
 */
#define	_GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define	LINE	4096

static char names[LINE];
static void (*real)(const char *, const char *, int, const char *, ...);

/* Take the library's own function, and the list: names with a colon before and behind each. Says whether both are there. */
int
waive_begin(void *library, const char *list)
{
	real = (void (*)(const char *, const char *, int, const char *, ...))dlsym(library, "libspl_assertf");
	return (real != 0 && snprintf(names, sizeof (names), "%s", list) < (int)sizeof (names));
}

void
libspl_assertf(const char *file, const char *function, int line, const char *format, ...)
{
	char text[LINE];
	va_list arguments;

	snprintf(text, sizeof (text), ":%s:", function);
	if (strstr(names, text) != 0)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof (text), format, arguments);
	va_end(arguments);
	real(file, function, line, "%s", text);
}
