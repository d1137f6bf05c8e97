# The faults that tests inject: each does what it says, and only there.

use strict;
use warnings;

use lib 't/lib';
use Jamhook::Env;
use Jamhook::Faults;
use Test::More;

my $dir = Jamhook::Env::tmp() . '/files';
my $beside = Jamhook::Env::tmp() . '/files-beside';

mkdir $_ or die "$_: $!" for $dir, $beside;

my $faults = Jamhook::Faults->new($dir);

# what a process did, each step with "ok" or its error
my $STEPS = q{
    use Fcntl; use IO::Handle; use strict;
    my ($dir) = @ARGV;
    my @did;
    sub did { push @did, $_[0] . '=' . ($_[1] ? 'ok' : (grep { $!{$_} }
                                   qw(EIO ENOSPC EROFS))[0] || $!) }
    did('new', sysopen my $new, "$dir/new", O_RDWR | O_CREAT, 0600);
    did('old', sysopen my $old, "$dir/old", O_RDWR | O_CREAT, 0600);
    did('read', sysopen my $read, "$dir/old", O_RDONLY);
    $old ||= $read;
    did('write', defined syswrite $old, "x");
    did('truncate', truncate $old, 1);
    did('sync', $old->sync);
    did('unlink', unlink "$dir/gone");
    print "@did\n";
};

sub steps {
    my ($where) = @_;

    unlink "$where/new";
    Jamhook::Env::write_file("$where/$_", $_) for qw(old gone);

    my ($status, $said) = $faults->run($^X, '-e', $STEPS, $where);

    return $status ? "status $status: $said" : $said =~ s/\n//r;
}

my $well = 'new=ok old=ok read=ok write=ok truncate=ok sync=ok unlink=ok';

is steps($dir), $well, 'nothing is set, nothing fails';
is $faults->seen('sync'), 1, '... and it is counted';
is $faults->seen('write'), 2, '... each of its kind';
is $faults->failed('write'), 0, '... and none as failed';

for my $case (
    ['sync EIO', $well =~ s/sync=ok/sync=EIO/r],
    ['write ENOSPC', $well =~ s/(write|truncate)=ok/$1=ENOSPC/gr],
    ['write EIO', $well =~ s/(write|truncate)=ok/$1=EIO/gr],
    ['write EIO skip=1', $well =~ s/truncate=ok/truncate=EIO/r],
    ['write EIO times=1', $well =~ s/write=ok/write=EIO/r],
    ['open ENOSPC', $well =~ s{new=ok}{new=ENOSPC}r],
    ['open EROFS', 'new=EROFS old=EROFS read=ok write=Bad file descriptor'
                   . ' truncate=Bad file descriptor'
                   . ' sync=Invalid argument unlink=EROFS'],
    ['write KILL skip=1', 'status 9: '],
) {
    my ($set, $want) = @$case;
    my ($kind, $how) = split / /, $set, 2;

    $faults->clear;
    $faults->set($kind => $how);
    is steps($dir), $want, $set;
    cmp_ok $faults->failed($kind), '>', 0, '... and it is counted';
    $faults->set($kind => $how);
    is steps($beside), $well, '... not beside the directory';
}

# slow

sub elapsed {
    my ($where) = @_;

    my ($status, $said) = $faults->run($^X, '-MTime::HiRes=time', '-e', q{
        use IO::Handle;
        open my $fh, '>', "$ARGV[0]/slow" or die $!;
        my $t = time; $fh->sync or die $!; print time - $t;
    }, $where);

    return $said;
}

$faults->clear;
$faults->set(sync => 'ms=2000');
my $took = elapsed($dir);
cmp_ok $took, '>=', 2, 'a slow fsync';
cmp_ok elapsed($beside), '<', $took, '... not beside the directory';

# while the process runs

{
    pipe my $from, my $to or die $!;
    pipe my $back, my $said or die $!;
    $faults->clear;

    my $pid = fork;

    if (!$pid) {
        open STDIN, '<&', $from;
        open STDOUT, '>&', $said;
        %ENV = (%ENV, $faults->env);
        exec $^X, '-e', q{
            use IO::Handle; $| = 1;
            open my $fh, '>', "$ARGV[0]/live" or die $!;
            while (<STDIN>) { print $fh->sync ? "ok\n" : "$!\n" }
        }, $dir or POSIX::_exit(1);
    }

    close $from;
    close $said;

    my $ask = sub { syswrite $to, "\n"; scalar <$back> };

    is $ask->(), "ok\n", 'a process that runs';
    $faults->set(sync => 'EIO');
    like $ask->(), qr/^Input/, '... gets its faults at once';
    $faults->clear;
    is $ask->(), "ok\n", '... and is rid of them';
    close $to;
    waitpid $pid, 0;
}

# the clock

sub clocks {
    my ($status, $said) = $faults->run($^X, '-MTime::HiRes=clock_gettime,'
        . 'CLOCK_REALTIME,CLOCK_MONOTONIC', '-e', q{
        print join ' ', time, Time::HiRes::time, clock_gettime(CLOCK_REALTIME),
                        clock_gettime(CLOCK_MONOTONIC);
    });

    return split ' ', $said;
}

for my $ms (-3_600_250, 86_400_250) {
    $faults->clear;
    my @before = clocks();
    $faults->set(clock => $ms);
    my @now = clocks();

    for my $i (0 .. 2) {
        my $name = ('time()', 'gettimeofday()', 'clock_gettime()')[$i];
        my $off = $now[$i] - $before[$i] - $ms / 1000;

        cmp_ok abs $off, '<', 4, "$name is $ms ms off";
    }

    cmp_ok abs($now[3] - $before[3]), '<', 4, 'CLOCK_MONOTONIC is not';
}

# memory

$faults->clear;
$faults->set(alloc => 'every=100');
my ($status) = $faults->run($^X, '-e', 'my @a = map { "$_" x 99 } 1 .. 9999;');
isnt $status, 0, 'memory runs out';
cmp_ok $faults->failed('alloc'), '>', 0, '... as was told';
$faults->set(alloc => "every=100 pid=$$");
($status) = $faults->run($^X, '-e', 'my @a = map { "$_" x 99 } 1 .. 9999;');
is $status, 0, '... not in another process';

# a real database

SKIP: {
    my $db = "$dir/test.db";
    my ($none) = $faults->run('sh', '-c', 'command -v sqlite3');

    skip 'no sqlite3', 12 if $none;

    my $sql = sub {
        my ($status, $said) = $faults->run('sqlite3', '-batch', $db, $_[0]);
        return $said =~ s/\n\z//r;
    };

    $faults->clear;
    is $sql->('pragma journal_mode = wal; create table t (a)'), 'wal',
       'a database';
    is $sql->('insert into t values (1)'), '', '... that is written to';
    cmp_ok $faults->seen('write'), '>', 0, '... by what is counted';
    cmp_ok $faults->seen('sync'), '>', 0, '... and synced';

    for my $case (['open ENOSPC', qr/unable to open/],
                  ['write ENOSPC', qr{full|I/O}], ['write EIO', qr{I/O}],
                  ['open EROFS', qr/readonly|unable to open/],
                  ['sync EIO', qr{I/O}])
    {
        my ($kind, $how) = split / /, $case->[0];

        $faults->clear;
        $faults->set($kind => $how);
        like $sql->('pragma synchronous = full; insert into t values (2)'),
             $case->[1], "... fails: $case->[0]";
        cmp_ok $faults->failed($kind), '>', 0, '... as was told';
    }

    $faults->clear;
    is $sql->('pragma integrity_check; select min(a) from t'), "ok\n1",
       '... and is whole afterwards';
}

done_testing;
