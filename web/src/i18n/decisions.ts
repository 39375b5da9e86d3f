import type { Messages } from './catalogue.ts';

/** What two people decide: late entries, marks of error, dates of versions. */
export const decisions = {
  'late.act_short': [
    'Enter a paper record',
    'Papieren registratie invoeren',
    'Introducir un registro en papel',
  ],
  'late.title': [
    'Paper record of {{name}}, entered late',
    'Papieren registratie van {{name}}, laat ingevoerd',
    'Registro en papel de {{name}}, introducido tarde',
  ],
  'late.lead': [
    'It counts from the ink signature on the paper, is known from now, and says so wherever it is shown.',
    'Hij telt vanaf de inkthandtekening op het papier, is bekend vanaf nu, en zegt dat overal waar hij staat.',
    'Cuenta desde la firma en tinta del papel, se conoce desde ahora y lo dice dondequiera que aparezca.',
  ],
  'late.own': [
    'Nobody enters a paper record of their own. Ask a supervisor, trainer or coordinator.',
    'Niemand voert een eigen papieren registratie in. Vraag een leidinggevende, trainer of coördinator.',
    'Nadie introduce su propio registro en papel. Pida a un supervisor, formador o coordinador.',
  ],
  'late.paper': ['What the paper shows', 'Wat op het papier staat', 'Qué muestra el papel'],
  'late.version': ['Version', 'Versie', 'Versión'],
  'late.methods': ['How it was trained', 'Hoe er is getraind', 'Cómo se formó'],
  'late.ink_day': ['Day of the ink signature', 'Dag van de inkthandtekening', 'Día de la firma en tinta'],
  'late.ink_time': ['Time on the paper', 'Tijd op het papier', 'Hora en el papel'],
  'late.ink_zone': ['Wall clock of {{place}}', 'Klok van {{place}}', 'Hora local de {{place}}'],
  'late.score': [
    'Score of the quiz, percent',
    'Score van de toets, procent',
    'Resultado del cuestionario, %',
  ],
  'late.scan': ['Scan of the signed paper', 'Scan van het ondertekende papier', 'Escaneo del papel firmado'],
  'late.scan_help': [
    'PDF, photo (PNG, JPEG) or TIFF, up to 20 MB',
    'PDF, foto (PNG, JPEG) of TIFF, tot 20 MB',
    'PDF, foto (PNG, JPEG) o TIFF, hasta 20 MB',
  ],
  'late.reason': ['Why it is entered late', 'Waarom laat ingevoerd', 'Por qué se introduce tarde'],
  'late.act': [
    'Enter it for a second person to check',
    'Invoeren ter controle door een tweede persoon',
    'Introducir para que lo verifique otra persona',
  ],
  'late.waiting': [
    'Paper records that wait for a second person',
    'Papieren registraties die op een tweede persoon wachten',
    'Registros en papel que esperan a una segunda persona',
  ],
  'late.no_record_yet': [
    'No record before somebody else has checked it against the scan and signed.',
    'Geen registratie voordat iemand anders hem met de scan heeft vergeleken en getekend.',
    'No hay registro hasta que otra persona lo coteje con el escaneo y firme.',
  ],
  'late.entered': ['Entered by', 'Ingevoerd door', 'Introducido por'],
  'late.open_scan': ['Open the scan', 'Scan openen', 'Abrir el escaneo'],
  'late.scan_first': [
    'Open the scan before you sign.',
    'Open de scan voordat u tekent.',
    'Abra el escaneo antes de firmar.',
  ],
  'late.check': ['Check and sign', 'Controleren en tekenen', 'Verificar y firmar'],
  'late.check_reason': [
    'Late entry checked against its scan',
    'Late invoer met de scan vergeleken',
    'Registro tardío cotejado con su escaneo',
  ],
  'late.check_effect': [
    'When you sign, the record stands, marked as a late entry. Decisions made before stay as they were made.',
    'Als u tekent, staat de registratie, als late invoer. Eerdere besluiten blijven zoals ze genomen zijn.',
    'Al firmar, el registro queda, marcado como tardío. Las decisiones anteriores siguen como se tomaron.',
  ],
  'late.refuse': [
    'Refuse this paper record',
    'Papieren registratie weigeren',
    'Rechazar este registro en papel',
  ],
  'late.take_back': ['Take it back', 'Terugnemen', 'Retirarlo'],
  'late.you_entered': [
    'You entered it; somebody else checks it.',
    'U hebt hem ingevoerd; iemand anders controleert.',
    'Usted lo introdujo; lo verifica otra persona.',
  ],
  'late.yours': [
    'It is about you; others check it.',
    'Hij gaat over u; anderen controleren.',
    'Es sobre usted; lo verifican otros.',
  ],

  'error_mark.propose': ['Mark as made in error', 'Als foutief markeren', 'Marcar como erróneo'],
  'error_mark.propose_act': [
    'Propose the mark to a second person',
    'Markering aan een tweede persoon voorstellen',
    'Proponer la marca a otra persona',
  ],
  'error_mark.propose_effect': [
    'Nothing is deleted. Once QA signs, the record stays visible with this reason and counts no more; what was required comes back.',
    'Er wordt niets verwijderd. Zodra QA tekent, blijft de registratie zichtbaar met deze reden en telt hij niet meer; wat vereist was komt terug.',
    'No se borra nada. Cuando QA firme, el registro sigue visible con este motivo y deja de contar; lo requerido vuelve.',
  ],
  'error_mark.sign': [
    'Decide: mark in error',
    'Besluiten: als foutief markeren',
    'Decidir: marcar como erróneo',
  ],
  'error_mark.sign_reason': [
    'Record marked as made in error',
    'Registratie als foutief gemarkeerd',
    'Registro marcado como erróneo',
  ],
  'error_mark.sign_effect': [
    'When you sign, this record counts no more, and what it covered is required again within seconds.',
    'Als u tekent, telt deze registratie niet meer, en wat hij dekte is binnen seconden weer vereist.',
    'Al firmar, este registro deja de contar y lo que cubría se vuelve a requerir en segundos.',
  ],
  'error_mark.refuse': ['The record is right', 'De registratie klopt', 'El registro es correcto'],
  'error_mark.take_back': ['Take the proposal back', 'Voorstel terugnemen', 'Retirar la propuesta'],

  'date.move': ['Move the date', 'Datum verplaatsen', 'Mover la fecha'],
  'date.move_title': [
    'Move when {{version}} takes effect',
    'Ingangsdatum van {{version}} verplaatsen',
    'Mover la entrada en vigor de {{version}}',
  ],
  'date.stands': ['Now: {{date}}', 'Nu: {{date}}', 'Ahora: {{date}}'],
  'date.new': ['New first day', 'Nieuwe eerste dag', 'Nuevo primer día'],
  'date.new_help': [
    'Takes effect at the start of that day, by the clock of the site. Never a day that is over.',
    'Gaat in aan het begin van die dag, volgens de klok van de locatie. Nooit een voorbije dag.',
    'Entra en vigor al inicio de ese día, según la hora de la planta. Nunca un día pasado.',
  ],
  'date.next': ['Show me what I sign', 'Tonen wat ik onderteken', 'Mostrar lo que firmo'],
  'date.effect': [
    'When you sign, open training for {{version}} gets new due dates, and the version that governs goes on until that day.',
    'Als u tekent, krijgt open training voor {{version}} nieuwe termijnen, en de geldende versie loopt door tot die dag.',
    'Al firmar, la formación abierta de {{version}} recibe nuevos plazos, y la versión vigente sigue hasta ese día.',
  ],
  'withdraw.act': ['Withdraw {{version}}', '{{version}} intrekken', 'Retirar {{version}}'],
  'withdraw.act_short': ['Withdraw', 'Intrekken', 'Retirar'],
  'withdraw.before': [
    'It will not take effect anywhere. Open training for it closes; training that was done stays on record and credits nothing.',
    'Hij gaat nergens in. Open training ervoor sluit; gedane training blijft geregistreerd en telt nergens voor.',
    'No entrará en vigor en ningún sitio. La formación abierta se cierra; la hecha queda registrada y no acredita nada.',
  ],
  'withdraw.governing': [
    'It ends now, at every site, and the version before it governs again. Training that was done stays on record.',
    'Hij eindigt nu, op elke locatie, en de vorige versie geldt weer. Gedane training blijft geregistreerd.',
    'Termina ahora, en todas las plantas, y vuelve a regir la anterior. La formación hecha queda registrada.',
  ],
} satisfies Messages;
