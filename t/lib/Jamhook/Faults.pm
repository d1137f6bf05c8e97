package Jamhook::Faults;

# Faults on demand (see t/tools/faults/faults.c): for processes that are started
# with its environment, and for all that come from them.
#
#   my $faults = Jamhook::Faults->new($dir);       files below $dir fail
#                           ($dir, place => ...)   its own file and the library
#                                                  lie there, for other users
#   my $nginx = Jamhook::Nginx->new(faults => $faults, ...);
#
#   $faults->set(sync => 'EIO');                   each fsync, fdatasync
#   $faults->set(sync => 'ms=200');                slow, and goes well
#   $faults->set(write => 'ENOSPC skip=3');        from the 4th on
#   $faults->set(write => 'KILL skip=7 times=1');  a signal instead
#   $faults->set(open => 'EROFS');                 nothing is made, or written to
#   $faults->set(alloc => 'every=50 pid=123');     each 50th call fails
#   $faults->set(alloc => 'ENOMEM skip=6 times=1 pid=123');     the 7th does
#   $faults->set(alloc => 'pid=123');              none; they are counted
#   $faults->set(clock => -3_600_000);             the clock, in ms
#   $faults->clear;                                all is well
#   $faults->seen('write'); $faults->failed('write');     calls since then
#   $faults->where;                                the stack of the last one of
#                                                  "alloc" that failed: addresses
#   $faults->watch(123); $faults->live;            blocks that this process has
#                                                  allocated since and not freed

use strict;
use warnings;

use Config;
use Errno ();
use Fcntl qw(:flock O_CREAT O_RDWR O_TRUNC);
use File::Copy qw(copy);
use File::Path qw(make_path);

use Jamhook::Env;

my $MAGIC = 0x66617532;
my @KINDS = qw(sync write open alloc);
my @FIELDS = qw(error ms skip times seen failed every pid);
my $SIZE = (2 + @KINDS * @FIELDS) * 8;
my $PATH_MAX = 4096;
my $LIVE = $SIZE + $PATH_MAX;
my $WHERE = 32;

my $serial = 0;
my %signals;
@signals{split ' ', $Config{sig_name}} = split ' ', $Config{sig_num};


# the library, made where it is older than its source
sub library {
    my $source = "$Jamhook::Env::TOP/t/tools/faults/faults.c";
    my $dir = "$Jamhook::Env::TOP/build/faults";
    my $so = "$dir/faults.so";

    make_path($dir);
    open my $lock, '>', "$dir/lock" or die $!;
    flock $lock, LOCK_EX or die $!;

    if (!-s $so || (stat $so)[9] < (stat $source)[9]) {
        my $said = `cc -shared -fPIC -O2 -Wall -Wextra -o $so.new $source -ldl \\
                    2>&1`;
        die "faults.c: $said" if $? || length $said;
        rename "$so.new", $so or die $!;
    }

    return $so;
}


sub new {
    my ($class, $dir, %opt) = @_;

    my $self = bless {
        so => library(), dir => $dir,
        file => ($opt{place} || Jamhook::Env::tmp())
                . "/faults.$$." . ++$serial,
    }, $class;

    if (defined $opt{place}) {
        $self->{so} = "$opt{place}/faults.so";
        copy(library(), $self->{so}) or die "$self->{so}: $!";
    }

    sysopen $self->{fh}, $self->{file}, O_CREAT | O_RDWR | O_TRUNC, 0666
        or die "$self->{file}: $!";
    chmod 0666, $self->{file};

    $self->poke(0, pack('q<' . $SIZE / 8, $MAGIC, (0) x ($SIZE / 8 - 1))
                   . pack("a$PATH_MAX", $dir)
                   . pack('q<*', (0) x (2 + $WHERE)));

    return $self;
}


# what a process needs to have them, and what is to be preloaded before
sub env {
    my ($self, @before) = @_;

    return (JAMHOOK_FAULTS => $self->{file},
            LD_PRELOAD => join ' ', @before, $self->{so});
}


sub poke {
    my ($self, $at, $bytes) = @_;

    sysseek $self->{fh}, $at, 0 or die $!;
    syswrite($self->{fh}, $bytes) == length $bytes or die $!;
}


# where the member of a kind stands
sub place {
    my ($kind, $field) = @_;

    my ($k) = grep { $KINDS[$_] eq $kind } 0 .. $#KINDS;
    my ($f) = grep { $FIELDS[$_] eq $field } 0 .. $#FIELDS;

    die "no fault \"$kind\", \"$field\"" unless defined $k && defined $f;

    return (2 + $k * @FIELDS + $f) * 8;
}


sub set {
    my ($self, %what) = @_;

    for my $kind (sort keys %what) {
        if ($kind eq 'clock') {
            $self->poke(8, pack 'q<', $what{$kind});
            next;
        }

        my %value = map { $_ => 0 } @FIELDS;

        for my $word (split ' ', $what{$kind}) {
            if ($word =~ /^(ms|skip|times|every|pid)=(\d+)$/) {
                $value{$1} = $2;

            } elsif (exists $signals{$word}) {
                $value{error} = -$signals{$word};

            } elsif (my $errno = Errno->can($word)) {
                $value{error} = $errno->();

            } else {
                die "faults: what is \"$word\"?";
            }
        }

        # the error last, so that it never acts without the rest
        $self->poke(place($kind, 'error'), pack 'q<', 0);
        $self->poke(place($kind, $_), pack 'q<', $value{$_})
            for reverse @FIELDS;
    }
}


sub clear {
    my ($self) = @_;

    $self->set(clock => 0, map { $_ => '' } @KINDS);
}


# so many numbers
sub peek {
    my ($self, $at, $n) = @_;

    sysseek $self->{fh}, $at, 0 or die $!;
    sysread($self->{fh}, my $bytes, $n * 8) == $n * 8 or die $!;

    return unpack 'q<*', $bytes;
}


sub get {
    my ($self, $kind, $field) = @_;

    my ($value) = $self->peek(place($kind, $field), 1);

    return $value;
}


sub seen { $_[0]->get($_[1], 'seen') }
sub failed { $_[0]->get($_[1], 'failed') }
sub where { my ($self) = @_; grep { $_ } $self->peek($LIVE + 16, $WHERE) }
sub live { my ($self) = @_; ($self->peek($LIVE + 8, 1))[0] }


sub watch {
    my ($self, $pid) = @_;

    $self->poke($LIVE, pack 'q<*', $pid, 0);
}


# runs a program with them; (status, what it said)
sub run {
    my ($self, @command) = @_;

    my $pid = open my $out, '-|';
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        %ENV = (%ENV, $self->env);
        exec @command;
        die "exec: $!";
    }

    local $/;
    my $said = <$out>;
    close $out;

    return ($?, $said);
}


1;
