# Static analysis: each tool finds what is planted, and an explained exception is
# the only one. All of the source: make lint.

use strict;
use warnings;

use lib 't/lib';
use Jamhook::Env;
use Test::More;

my $dir = Jamhook::Env::tmp() . '/lint';

$ENV{LINT_DIR} = $dir;
$ENV{JOBS} = 2;

sub lint {
    local $ENV{T} = join ' ', @_;

    my $said = `t/tools/lint.sh 2>&1`;

    return ($?, $said);
}

# the files of the lint() before, once more
sub again {
    my ($tool, $suppressed) = @_;

    local $ENV{LINT_SUPPRESSED} = "$dir-suppressed";
    Jamhook::Env::write_file($ENV{LINT_SUPPRESSED}, $suppressed);

    my $said = `t/tools/lint/findings.pl 2 some $tool 2>&1`;

    return ($?, $said);
}

sub planted {
    my ($name, $body) = @_;

    my $file = "$dir-$name.c";

    Jamhook::Env::write_file($file, <<"END");
#include <stdlib.h>

int  planted(int n);

int
planted(int n)
{
    int  *p;

$body
}
END

    return $file;
}

my $good = planted(good => <<'END');
    p = malloc(sizeof(int));
    if (p == NULL) {
        return -1;
    }

    *p = n + 1;
    n = *p;
    free(p);

    return n;
END

my $leak = planted(leak => <<'END');
    p = malloc(sizeof(int));
    if (p == NULL) {
        return -1;
    }

    *p = n + 1;

    return *p;
END

my $null = planted(null => <<'END');
    p = NULL;

    if (n > 3) {
        *p = n;
    }

    return n;
END

# what is not C is no finding, and no success

my $broken = "$dir-broken.c";
Jamhook::Env::write_file($broken, "int  f(void) { return missing; }\n");

my ($status, $said) = lint($good);

is $status, 0, 'nothing is found in what is right' or diag $said;
like $said, qr/^\Q$_\E +1 +0 +0 /m, "... and $_ has looked"
    for qw(clang-tidy cppcheck gcc);

($status, $said) = lint($good, $leak, $null, $broken);

isnt $status, 0, 'what is planted is found';
unlike $said, qr/^\S*-good\.c:/m, '... and not more';

for my $case (
    [leak => 'clang-analyzer-unix.Malloc', 'clang-tidy'],
    [leak => 'memleak', 'cppcheck'],
    [leak => '-Wanalyzer-malloc-leak', 'gcc'],
    [null => 'clang-analyzer-core.NullDereference', 'clang-tidy'],
    [null => 'nullPointer', 'cppcheck'],
    [null => '-Wanalyzer-null-dereference', 'gcc'],
    [broken => 'clang-diagnostic-error', 'clang-tidy'],
) {
    my ($name, $check, $tool) = @$case;

    like $said, qr/^\S*-$name\.c:\d+:\d+: .*\[\Q$check\E\]$/m,
         "$tool finds: $name" or diag $said;
}

like $said, qr/^\S*-broken\.c:\d+:\d+: error: .*undeclared \(/m,
     'gcc does not pass over what does not compile';

# the exceptions

for my $case (
    ["gcc analyzer-malloc-leak *\n", 'one without a reason'],
    ["# why\n\ngcc analyzer-malloc-leak *\n\ngcc analyzer-x *\n",
     'one behind the end of the lines of a reason'],
    ["# why\ngcc analyzer-malloc-leak\n", 'one without a file'],
) {
    my ($text, $name) = @$case;

    ($status, $said) = again('gcc', $text);
    like $said, qr/suppressed:\d+: (?:without|tool, check)/,
         "$name is refused" or diag $said;
    isnt $status, 0, '... as a failure';
}

($status, $said) = again('gcc',
    "# why\n\ngcc analyzer-malloc-leak *-leak.c return *p;\n");

unlike $said, qr/malloc-leak/, 'one that is explained holds';
like $said, qr/null-dereference/, '... for that alone';
like $said, qr/^gcc +4 +\d+ +1 /m, '... and is counted' or diag $said;

done_testing;
